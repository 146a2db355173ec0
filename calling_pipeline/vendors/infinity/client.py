"""Infinity: SIP click-to-call. Every operation is one form POST to the tenant's `api_url`, the operation in `service`.

What the body says decides: `ret` 200 and `data.status` 0 mean done. A call is never repeated unless it certainly was not
made; where that cannot be known it is an `AmbiguousOutcome`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx

from calling_pipeline import days
from calling_pipeline.database.credentials import CredentialStore, Fetched, Token
from calling_pipeline.errors import (
    AmbiguousOutcome,
    ContractBreach,
    IncompleteFetch,
    VendorAuthRefused,
    VendorError,
    VendorRefused,
    VendorUnavailable,
)
from calling_pipeline.masking import mask_digits
from calling_pipeline.vendors.http import VendorHttp, retry_after_s, retrying

TOKEN_LIFE = dt.timedelta(hours=12)
LOGIN = "App.Sip_Auth.Login"
MAKE_CALL = "App.Sip_Call.MakeCall"
STATUS = "App.Sip_Status.GetSipCallStatus"
BILL = "App.Sip_Cdr.GetBill"
RECORDING = "App.Sip_Cdr.GetRecodeFile"

LineStatus = Literal["idle", "ringing", "off_hook", "talking", "not_registered"]
_LINE: Mapping[str, LineStatus] = {
    "1201": "idle",
    "1202": "ringing",
    "1203": "off_hook",
    "1204": "talking",
    "1014": "not_registered",
}
_REFUSALS: Mapping[str, str] = {
    "1012": "no such extension",
    "1013": "the extension is disabled",
    "1014": "the extension is not registered",
    "1032": "against Infinity's policy",
    "400": "bad request",
    "601": "the appid is not authorised",
    "602": "the licence has expired",
    "603": "the module is not authorised",
    "604": "our address is not allowed",
}
_CREDENTIALS = frozenset({"600", "601", "602", "603", "604"})
_CODE = re.compile(r"\b1\d{3}\b")
_BILL_READINGS = 3


@dataclass(frozen=True)
class CallRequest:
    """One click-to-call. `destination` is the full number; `reference` is our own id of the call."""

    extension: str
    destination: str
    reference: str
    caller_number: str | None = None
    collector: str = ""
    customer: str = ""


@dataclass(frozen=True)
class BilledCall:
    """One line of Infinity's bill."""

    call_uuid: str
    extension: str
    destination: str
    caller_number: str
    started_at: dt.datetime
    duration_s: int
    hangup: str
    recording_file: str | None


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
    ) -> None:
        parts = urlsplit(api_url)
        self._http = VendorHttp(
            "Infinity",
            f"{parts.scheme}://{parts.netloc}",
            concurrency=concurrency,
            timeout_s=timeout_s,
            transport=transport,
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
        status, token = _text(data.get("status", 0)), _text(data.get("token"))
        if status != "0":
            raise VendorAuthRefused(
                f"Infinity refused the login (status {status})", vendor="Infinity", endpoint=LOGIN, code=status
            )
        if not token:
            raise _breach(LOGIN, "data.token is missing")
        return Fetched(token, begun + TOKEN_LIFE)

    async def make_call(self, call: CallRequest) -> str:
        """Ring the extension, then the customer; returns Infinity's id of the call (ours when it names none).

        Raises `VendorRefused` or `VendorUnavailable` when no call was made, `AmbiguousOutcome` when one may have been.
        """
        form = {
            "extnumber": call.extension,
            "destnumber": call.destination,
            "customuuid": call.reference,
            "disnumber": call.caller_number or "",
            "userid": call.collector,
            "memberid": call.customer,
        }
        data = await self._act(MAKE_CALL, {name: value for name, value in form.items() if value}, safe=False)
        status = _text(data.get("status"))
        if status == "0":
            return _text(data.get("call_uuid")) or call.reference
        if not status:
            raise AmbiguousOutcome(
                "Infinity answered MakeCall without a status; the call may have been made",
                vendor="Infinity",
                endpoint=MAKE_CALL,
            )
        raise _refusal(MAKE_CALL, _code(data, status))

    async def line_status(self, extension: str) -> LineStatus:
        """What the extension is doing now."""
        data = await self._safely(STATUS, {"extnumber": extension})
        code = _text(data.get("status"))
        if code not in _LINE:
            if code == "1" or code in _REFUSALS:
                raise _refusal(STATUS, _code(data, code))
            raise _breach(STATUS, f"data.status {code[:20]!r} is not one of {', '.join(_LINE)}")
        return _LINE[code]

    async def bill(
        self, first: dt.datetime, last: dt.datetime, *, sync_flag: Literal[1, 2, 3] = 3
    ) -> AsyncIterator[BilledCall]:
        """Every billed call that began from `first` to `last` (both included), over all pages.

        Read again when calls moved between pages meanwhile; `IncompleteFetch` when Infinity still reports another
        number of calls than it hands out.
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
        url = _text(data.get("url"))
        if not url.startswith(("http://", "https://")):
            raise _breach(RECORDING, "data.url is missing or no http address")
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
        rows, total = data.get("list"), _text(data.get("total"))
        if not isinstance(rows, list) or not total.isdigit():
            raise _breach(BILL, f"page {page}: data.total and data.list must be a number and a list")
        return [_billed(row, page) for row in rows], int(total)

    async def _safely(self, service: str, form: Mapping[str, str]) -> dict[str, Any]:
        return await retrying(lambda: self._act(service, form, safe=True), attempts=4, total_s=30)

    async def _act(self, service: str, form: Mapping[str, str], *, safe: bool) -> dict[str, Any]:
        """One operation with a token; a token that Infinity no longer knows is replaced once."""
        token = await self._token()
        try:
            return await self._ask(service, {"token": token.secret, **form}, safe=safe)
        except VendorAuthRefused as error:
            if error.code != "600":
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
        """Send one operation and judge the envelope; returns `data` of an answer with `ret` 200."""
        try:
            response = await self._http.request("POST", self._path, safe=safe, data={"service": service, **form})
        except VendorError as error:
            error.endpoint = service
            raise
        if response.status_code != 200:
            raise _http_failure(response, service, safe=safe)
        try:
            answer = json.loads(response.content)
            ret = _text(answer["ret"])
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(service, safe=safe) from error
        data = answer.get("data")
        if ret == "200":
            if not isinstance(data, dict):
                raise _unreadable(service, safe=safe)
            return data
        raise _ret_failure(service, ret, _text(answer.get("msg")), safe=safe)


def _http_failure(response: httpx.Response, service: str, *, safe: bool) -> VendorError:
    status = response.status_code
    where: dict[str, Any] = {"vendor": "Infinity", "endpoint": service}
    said = f"Infinity answered {service} with HTTP {status}"
    if status == 429 or (status >= 500 and safe):
        return VendorUnavailable(said, retry_after_s=retry_after_s(response), **where)
    if status >= 500:
        return AmbiguousOutcome(f"{said}; the call may have been made", **where)
    if status in (401, 403):
        return VendorAuthRefused(said, code=str(status), **where)
    if 300 <= status < 400:
        return VendorRefused(f"{said}; redirects are not followed", code=str(status), **where)
    return VendorRefused(said, code=str(status), **where)


def _ret_failure(service: str, ret: str, message: str, *, safe: bool) -> VendorError:
    where: dict[str, Any] = {"vendor": "Infinity", "endpoint": service}
    if ret == "500":
        said = f"Infinity answered {service} with ret 500 ({_short(message)})"
        if safe:
            return VendorUnavailable(said, **where)
        return AmbiguousOutcome(f"{said}; the call may have been made", **where)
    reason = "the token is invalid" if ret == "600" else _REFUSALS.get(ret, _short(message))
    said = f"Infinity refused {service}: {reason} (ret {ret[:12]})"
    if ret in _CREDENTIALS:
        return VendorAuthRefused(said, code=ret, **where)
    return VendorRefused(said, code=ret[:12], **where)


def _unreadable(service: str, *, safe: bool) -> VendorError:
    """A 200 that cannot be read: repeated when that does no harm, for a half answer is often a broken connection."""
    said = f"Infinity's answer to {service} is not its JSON"
    where: dict[str, Any] = {"vendor": "Infinity", "endpoint": service}
    return VendorUnavailable(said, **where) if safe else AmbiguousOutcome(f"{said}; the call may have been made", **where)


def _refusal(service: str, code: str) -> VendorRefused:
    reason = _REFUSALS.get(code, "no reason we know")
    return VendorRefused(f"Infinity refused {service}: {reason} ({code})", vendor="Infinity", endpoint=service, code=code)


def _code(data: Mapping[str, Any], status: str) -> str:
    """Infinity's reason for a refusal: a field of `data`, a number within its message, or the status itself."""
    for name in ("code", "errcode", "error_code", "errno", "error", "reason"):
        value = _text(data.get(name))
        if value.isdigit():
            return value[:12]
    found = _CODE.search(" ".join(_text(data.get(name)) for name in ("msg", "message", "errmsg", "reason", "error")))
    return found.group() if found else status[:12]


def _breach(service: str, reason: str) -> ContractBreach:
    return ContractBreach(f"Infinity answered {service} outside its contract: {reason}", vendor="Infinity", endpoint=service)


def _billed(row: Any, page: int) -> BilledCall:
    try:
        started = dt.datetime.fromisoformat(_text(row["starttime"])).replace(tzinfo=days.SHANGHAI)
        duration = int(float(_text(row.get("duration")) or 0))
        if not _text(row["call_uuid"]) or duration < 0:
            raise ValueError
        return BilledCall(
            call_uuid=_text(row["call_uuid"]),
            extension=_text(row["extnumber"]),
            destination=_text(row["destnumber"]),
            caller_number=_text(row.get("disnumber")),
            started_at=started,
            duration_s=duration,
            hangup=_text(row.get("hangup")),
            recording_file=_text(row.get("recordfile")) or None,
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise _breach(BILL, f"page {page}: a call lacks call_uuid, extnumber, destnumber, starttime or duration") from error


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _short(message: str) -> str:
    return mask_digits(message)[:80] or "no message"
