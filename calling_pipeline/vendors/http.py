"""What every vendor client shares: limits of connections, size and time, retries that honour Retry-After, redacted failures.

It does not judge answers: which status and body mean success is each client's own rule.
"""

from __future__ import annotations

import asyncio
import email.utils
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import stamina

from calling_pipeline import days, measures, retry_log, tracing
from calling_pipeline.errors import (
    AmbiguousOutcome,
    ContractBreach,
    TransientError,
    VendorError,
    VendorTimeout,
    VendorUnavailable,
)
from calling_pipeline.shadow import SENTENCE
from calling_pipeline.vendors.answers import ACCEPTED_ENCODING, Answer, Unreadable, read_body, without

T = TypeVar("T")
FIRST_PAUSE_S = 0.2
"""Before a vendor that failed is asked a second time; each later pause is twice as long."""
SMALL_ANSWER = 1024**2
"""Bytes of an answer at most, after decompression, where a client says nothing else."""
LANE_WIDTH = 2
"""Connections per httpx client: at every request a client looks through all of its connections, several times over."""
NOT_TAKEN = frozenset({429, 503})
"""Statuses by which a vendor says that it did not take a request: what was asked for certainly was not done. Any other 5xx
may hide an act that was done."""

retry_log.install()
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole URLs, and some vendors take secrets in the query


_parsed = lru_cache(maxsize=256)(httpx.URL)
"""Addresses are few and requested many times; parsing one costs a tenth of a request."""
_NUMBERED = re.compile(r"/[^/]*\d{2,}[^/]*|/\d+(?=/|$)")


class VendorHttp:
    """HTTP to one vendor. Use as an async context manager.

    `timeout_s` is for the whole request, from connecting to the last byte of the answer; `largest_answer` its bytes at most,
    after decompression. A request beyond `concurrency` waits for its turn first, which no limit counts.
    `secrets`, of the vendor or of one request, are taken out of what it answers, should it repeat them.
    `shadow`: what is not safe, so every call and every message, does not leave.
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
        secrets: Iterable[str] = (),
        largest_answer: int = SMALL_ANSWER,
        transport: httpx.AsyncBaseTransport | None = None,
        shadow: bool = False,
    ) -> None:
        self.vendor = vendor
        self._counted_as = vendor.replace(" ", "_")
        self._shadow = shadow
        self._timeout_s = timeout_s
        self._largest = largest_answer
        self._secrets = tuple(secrets)
        lanes = -(-concurrency // LANE_WIDTH)
        trust = httpx.create_ssl_context(trust_env=False) if base_url.startswith("https:") else False
        limits = httpx.Limits(max_connections=LANE_WIDTH, max_keepalive_connections=LANE_WIDTH, keepalive_expiry=30)
        self._base_url = base_url.rstrip("/")
        self._clients = [
            httpx.AsyncClient(
                timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=None),
                limits=limits,
                verify=trust,  # one for all lanes: reading the certificates takes longer than a request
                headers={"Accept-Encoding": ACCEPTED_ENCODING, **(headers or {})},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none is kept: they would add up
                transport=transport,
                follow_redirects=False,
                trust_env=False,
            )
            for _ in range(lanes)
        ]
        # the client released last is taken first, so that sequential requests share one open connection
        self._free: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for client in self._clients * LANE_WIDTH:
            self._free.put_nowait(client)

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

    async def request(self, method: str, path: str, *, safe: bool, secrets: Iterable[str] = (), **options: Any) -> Answer:
        """Send one request and read its whole answer, of any status. `options` are those of httpx's `build_request`.

        `safe` says whether repeating it does no harm. Raises `VendorUnavailable` when it certainly was not sent; when it
        may have been, `AmbiguousOutcome` unless `safe`, else `VendorTimeout`, `VendorUnavailable`, and `ContractBreach`
        for an answer beyond the limit of size or in a form that was not asked for.
        """
        if self._shadow and not safe:
            raise VendorUnavailable(SENTENCE, vendor=self.vendor, endpoint=path.partition("?")[0])
        client = await self._free.get()
        with tracing.span("ask", vendor=self._counted_as, endpoint=_endpoint_of(path)) as span:
            return await self._asked(client, span, method, path, safe=safe, secrets=secrets, **options)

    async def _asked(
        self,
        client: httpx.AsyncClient,
        span: tracing.Span,
        method: str,
        path: str,
        *,
        safe: bool,
        secrets: Iterable[str],
        **options: Any,
    ) -> Answer:
        """One request with a client that is taken, which is given back."""
        sending: _Noticed | None = None
        outcome, begun = "broken_off", time.perf_counter()
        try:
            request = client.build_request(method, _parsed(self._base_url + path), **options)
            if not safe:
                request.stream = sending = _Noticed(request.stream)
            answer = await self._sent(client, request)
            outcome = _class_of(answer.status_code)
            return without(answer, (*self._secrets, *secrets))
        except (httpx.RequestError, TimeoutError, Unreadable) as error:
            failure: Exception = error
            if isinstance(error, TimeoutError) and sending is not None and not sending.begun:
                failure = httpx.ConnectTimeout("")  # no byte of the body has left: nobody can have acted on it
            outcome = _outcome_of(failure)
            raise self._failure(failure, path.partition("?")[0], safe=safe) from None
        finally:
            endpoint = _endpoint_of(path)
            span.note(outcome=outcome)
            measures.count(measures.VENDOR_REQUESTS, self._counted_as, endpoint, outcome)
            measures.observe(measures.VENDOR_SECONDS, time.perf_counter() - begun, self._counted_as, endpoint)
            self._free.put_nowait(client)

    async def _sent(self, client: httpx.AsyncClient, request: httpx.Request) -> Answer:
        response = None
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await client.send(request, stream=True)
                try:
                    return Answer(response.status_code, response.headers, await read_body(response, self._largest))
                finally:
                    await response.aclose()
        except (httpx.RequestError, TimeoutError, Unreadable):
            if response is None or response.is_success:
                raise
            return Answer(response.status_code, response.headers, b"")

    def _failure(self, error: Exception, path: str, *, safe: bool) -> VendorError:
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
            case Unreadable() if safe:
                return ContractBreach(f"{what} answered {error}: it was not read", **where)
            case httpx.TimeoutException() | TimeoutError() if safe:
                return VendorTimeout(f"{what} did not answer in time", **where)
            case _ if safe:
                return VendorUnavailable(f"{what} broke off: {_plain(error)}", **where)
            case _:
                reason = f"it answered {error}" if isinstance(error, Unreadable) else _plain(error)
                return AmbiguousOutcome(f"{what} gave no readable answer after the request was sent: {reason}", **where)

    def _origin(self) -> str:
        url = httpx.URL(self._base_url)
        return f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}"


class _Noticed(httpx.AsyncByteStream):
    """A request's body that remembers whether its sending began; what comes before it are the connection and the headers."""

    def __init__(self, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        assert isinstance(body, httpx.AsyncByteStream)
        self._body = body
        self.begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        async for piece in self._body:
            yield piece


@lru_cache(maxsize=256)
def _endpoint_of(path: str) -> str:
    """The path by which requests are counted: without its query and the numbers in it."""
    return _NUMBERED.sub("/…", path.partition("?")[0])[:60] or "/"


def _class_of(status: int) -> str:
    return "throttled" if status == 429 else f"{status // 100}xx"


def _outcome_of(error: Exception) -> str:
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.UnsupportedProtocol() | httpx.ProxyError():
            return "unreachable"
        case httpx.TimeoutException() | TimeoutError():
            return "timeout"
        case Unreadable():
            return "unreadable"
    return "broken_off"


def _plain(error: Exception) -> str:
    return type(error).__name__


def retry_after_s(response: Answer | httpx.Response) -> float | None:
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
