"""Infinity: SIP click-to-call. Every operation is one form POST to the tenant's `api_url`, the operation in `service`.

What the body says decides: `ret` 200 and `data.status` 0 mean done. A call is never repeated unless it certainly was not
made; where that cannot be known its outcome is `unknown`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx

from calling_pipeline import days
from calling_pipeline.database.credentials import CredentialStore, Fetched, Token
from calling_pipeline.errors import CallingError, IncompleteFetch, VendorAuthRefused, VendorError
from calling_pipeline.vendors.http import VendorHttp, retrying
from calling_pipeline.vendors.infinity import answers
from calling_pipeline.vendors.infinity.answers import BILL, LOGIN, MAKE_CALL, RECORDING, STATUS, text
from calling_pipeline.vendors.infinity.records import BilledCall, CallAnswer, CallRequest, LineStatus

TOKEN_LIFE = dt.timedelta(hours=12)
_BILL_READINGS = 3


class InfinityClient:
    """One tenant's account. Use as an async context manager.

    `tokens` shares one login between processes; without it the client logs in for itself.
    """

    def __init__(
        self,
        api_url: str,
        app_id: str,
        access_key: str,
        *,
        tokens: CredentialStore | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = 10.0,
        concurrency: int = 16,
        shadow: bool = False,
    ) -> None:
        parts = urlsplit(api_url)
        self._http = VendorHttp(
            "Infinity",
            f"{parts.scheme}://{parts.netloc}",
            concurrency=concurrency,
            timeout_s=timeout_s,
            secrets=(access_key,),
            transport=transport,
            shadow=shadow,
        )
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._app_id = app_id
        self._access_key = access_key
        self._tokens = tokens
        account = "\x1f".join((api_url, app_id, access_key))
        self._token_name = f"infinity:{hashlib.sha256(account.encode()).hexdigest()[:16]}"
        self._own: Token | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def login(self) -> Fetched:
        """A new token. Raises `VendorAuthRefused` when the credentials are not accepted."""
        begun = days.now()
        data = await retrying(
            lambda: self._ask(LOGIN, {"appid": self._app_id, "accesskey": self._access_key}), attempts=3, total_s=20
        )
        status, token = text(data.get("status", 0)), text(data.get("token"))
        if status != "0":
            raise VendorAuthRefused(
                f"Infinity refused the login (status {status})", vendor="Infinity", endpoint=LOGIN, code=status
            )
        if not token:
            raise answers.breach(LOGIN, "data.token is missing")
        return Fetched(token, begun + TOKEN_LIFE)

    async def make_call(self, call: CallRequest) -> CallAnswer:
        """Ring the extension, then the customer. Never repeated, and never raises for what Infinity does."""
        form = {
            "extnumber": call.extension,
            "destnumber": call.destination,
            "customuuid": call.reference,
            "disnumber": call.caller_number or "",
            "userid": call.collector,
            "memberid": call.customer,
        }
        try:
            data = await self._act(MAKE_CALL, {name: value for name, value in form.items() if value}, safe=False)
            return answers.called(data, call.reference)
        except CallingError as error:
            return answers.not_called(error)

    async def line_status(self, extension: str) -> LineStatus:
        """What the extension is doing now."""
        return answers.line_status(await self._safely(STATUS, {"extnumber": extension}))

    async def bill(
        self, first: dt.datetime, last: dt.datetime, *, sync_flag: Literal[1, 2, 3] = 3
    ) -> AsyncIterator[BilledCall]:
        """Every billed call that began from `first` to `last` (both included), over all pages.

        Read again when calls moved between pages during the reading. Raises `IncompleteFetch` when Infinity still reports
        another number of calls than it hands out.
        """
        seen: set[str] = set()
        total, page = 0, 0
        for _ in range(_BILL_READINGS):
            page = read = 0
            while True:
                page += 1
                rows, total = await self._bill_page(first, last, sync_flag, page)
                read += len(rows)
                for row in rows:
                    if row.call_uuid not in seen:
                        seen.add(row.call_uuid)
                        yield row
                if not rows or read >= total:
                    break
            if len(seen) == total:
                return
        raise IncompleteFetch(
            f"Infinity's bill reports {total} calls but handed out {len(seen)} over {page} pages",
            vendor="Infinity",
            endpoint=BILL,
            fetched=len(seen),
            reported=total,
        )

    async def recording_url(self, recording_file: str) -> str:
        """Where the recording can be fetched."""
        data = await self._safely(RECORDING, {"recordfile": recording_file})
        url = text(data.get("url"))
        if not url.startswith(("http://", "https://")):
            raise answers.breach(RECORDING, "data.url is missing or no http address")
        return url

    async def _bill_page(
        self, first: dt.datetime, last: dt.datetime, sync_flag: int, page: int
    ) -> tuple[list[BilledCall], int]:
        form = {
            "starttime": days.wall_clock(first),
            "endtime": days.wall_clock(last),
            "syncflag": str(sync_flag),
            "page": str(page),
        }
        data = await self._safely(BILL, form)
        rows, total = data.get("list"), text(data.get("total"))
        if not isinstance(rows, list) or not total.isdigit():
            raise answers.breach(BILL, f"page {page}: data.total and data.list must be a number and a list")
        return [answers.billed(row, page) for row in rows], int(total)

    async def _safely(self, service: str, form: Mapping[str, str]) -> dict[str, Any]:
        return await retrying(lambda: self._act(service, form, safe=True), attempts=4, total_s=30)

    async def _act(self, service: str, form: Mapping[str, str], *, safe: bool) -> dict[str, Any]:
        """One operation with a token; a token that Infinity no longer knows is replaced once."""
        token = await self._token()
        try:
            return await self._ask(service, {"token": token.secret, **form}, safe=safe)
        except VendorAuthRefused as error:
            if error.code != answers.TOKEN_UNKNOWN:
                raise
        fresh = await self._token(token)
        return await self._ask(service, {"token": fresh.secret, **form}, safe=safe)

    async def _token(self, refused: Token | None = None) -> Token:
        if self._tokens is not None:
            return await self._tokens.token(self._token_name, self.login, refused=refused)
        if self._own is None or self._own is refused or not self._own.is_fresh(days.now()):
            fetched = await self.login()
            self._own = Token(fetched.secret, fetched.expires_at, version=1 if self._own is None else self._own.version + 1)
        return self._own

    async def _ask(self, service: str, form: Mapping[str, str], *, safe: bool = True) -> dict[str, Any]:
        """Send one operation; returns `data` of an answer with `ret` 200."""
        try:
            response = await self._http.request(
                "POST", self._path, safe=safe, secrets=_tokens(form), data={"service": service, **form}
            )
        except VendorError as error:
            error.endpoint = service
            raise
        return answers.data_of(response, service, safe=safe)


def _tokens(form: Mapping[str, str]) -> list[str]:
    return [form["token"]] if "token" in form else []
