"""What every vendor client shares: connection limits, timeouts, retries that honour Retry-After, redacted failures.

It does not judge answers: which status and body mean success is each client's own rule.
"""

from __future__ import annotations

import email.utils
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import stamina

from calling_pipeline import days, retry_log
from calling_pipeline.errors import AmbiguousOutcome, TransientError, UncertainError, VendorTimeout, VendorUnavailable

T = TypeVar("T")
FIRST_PAUSE_S = 0.2
"""Before a vendor that failed is asked a second time; each later pause is twice as long."""
LANE_WIDTH = 2
"""Connections per httpx client: at every request a client looks through all of its connections, several times over."""

retry_log.install()
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and some vendors take secrets in the query


_parsed = lru_cache(maxsize=256)(httpx.URL)
"""Addresses are few and requested many times; parsing one costs a tenth of a request."""


class VendorHttp:
    """HTTP to one vendor. Use as an async context manager.

    `transport` replaces the network (one for all lanes), for tests and for guards on the address connected to.
    Failures never carry the URL's query, a header or a body.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        *,
        concurrency: int = 8,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.vendor = vendor
        lanes = -(-concurrency // LANE_WIDTH)
        trust = httpx.create_ssl_context(trust_env=False) if base_url.startswith("https:") else False
        limits = httpx.Limits(max_connections=LANE_WIDTH, max_keepalive_connections=LANE_WIDTH, keepalive_expiry=30)
        self._base_url = base_url.rstrip("/")
        self._clients = [
            httpx.AsyncClient(
                timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=None),
                limits=limits,
                verify=trust,  # one for all lanes: reading the certificates takes longer than a request
                headers=headers,
                transport=transport,
                follow_redirects=False,
                trust_env=False,
            )
            for _ in range(lanes)
        ]
        # the client released last is taken first, so that sequential requests share one open connection
        self._free = [client for _ in range(LANE_WIDTH) for client in self._clients]
        self._overflow = itertools.cycle(self._clients)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def base_url(self) -> str:
        """Where the vendor is, without a slash at the end."""
        return self._base_url

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.aclose()

    async def request(self, method: str, path: str, *, safe: bool, **options: Any) -> httpx.Response:
        """Send one request and read its whole answer, of any status. `options` are httpx's.

        `safe` says whether repeating it does no harm. Raises `VendorUnavailable` when it certainly was not sent;
        when it may have been, `VendorTimeout` or `VendorUnavailable` if `safe`, else `AmbiguousOutcome`.
        """
        client = self._free.pop() if self._free else None
        try:
            return await (client or next(self._overflow)).request(method, _parsed(self._base_url + path), **options)
        except httpx.TransportError as error:
            raise self._failure(error, path.partition("?")[0], safe=safe) from None
        finally:
            if client is not None:
                self._free.append(client)

    def _failure(self, error: httpx.TransportError, path: str, *, safe: bool) -> TransientError | UncertainError:
        where: dict[str, Any] = {"vendor": self.vendor, "endpoint": path}
        what = f"{self.vendor} {path or '/'}"
        match error:
            case httpx.ConnectError() | httpx.UnsupportedProtocol() | httpx.ProxyError():
                return VendorUnavailable(
                    f"{what} cannot be reached at {self._origin()} ({_plain(error)}); check its address and the network",
                    **where,
                )
            case httpx.ConnectTimeout() | httpx.PoolTimeout():
                return VendorUnavailable(f"{what} did not accept a connection in time at {self._origin()}", **where)
            case httpx.TimeoutException() if safe:
                return VendorTimeout(f"{what} did not answer in time", **where)
            case _ if safe:
                return VendorUnavailable(f"{what} broke off: {_plain(error)}", **where)
            case _:
                return AmbiguousOutcome(
                    f"{what} gave no readable answer after the request was sent: {_plain(error)}", **where
                )

    def _origin(self) -> str:
        url = httpx.URL(self._base_url)
        return f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}"


def _plain(error: Exception) -> str:
    return type(error).__name__


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the answer's `Retry-After` asks for (delta or HTTP date), None without a readable one."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(text) - days.now()).total_seconds())
    except (ValueError, TypeError):
        return None


async def retrying(
    act: Callable[[], Awaitable[T]],
    *,
    attempts: int = 6,
    total_s: float = 120.0,
    wait_initial_s: float | None = None,
    wait_max_s: float = 20.0,
    on_retry: Callable[[TransientError], None] | None = None,
) -> T:
    """Call `act` until it succeeds, with exponential back-off and jitter, at most `attempts` times within `total_s`.

    The first pause is `wait_initial_s`, or `FIRST_PAUSE_S`.

    Only `VendorUnavailable` and `VendorTimeout` are repeated; a `Retry-After` replaces the back-off, and one longer than
    `total_s` is not waited for. Everything else, and the last failure, is raised as it is; a `retrying` around this one
    does not repeat that failure.
    """

    def verdict(error: Exception) -> bool | float:
        if not isinstance(error, VendorUnavailable | VendorTimeout) or error.given_up:
            return False
        if on_retry is not None:
            on_retry(error)
        asked = getattr(error, "retry_after_s", None)
        if asked is None:
            return True
        return float(asked) if asked <= total_s else False

    first_pause_s = FIRST_PAUSE_S if wait_initial_s is None else wait_initial_s
    policy = stamina.retry_context(
        on=verdict,
        attempts=attempts,
        timeout=total_s,
        wait_initial=first_pause_s,
        wait_max=wait_max_s,
        wait_jitter=first_pause_s,
    )
    try:
        async for attempt in policy:
            with attempt:
                return await act()
    except (VendorUnavailable, VendorTimeout) as error:
        error.given_up = True
        raise
    raise AssertionError("unreachable: the last attempt returns or raises")
