"""The dialling gateway: pushes one number per request, and says exactly what is known of its outcome.

It never repeats a request: whether to, and when, is the batch's decision, with the same `distinct_id`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from calling_pipeline import days
from calling_pipeline.at_most_once.outcome import Outcome
from calling_pipeline.errors import AmbiguousOutcome, VendorUnavailable
from calling_pipeline.masking import mask_digits
from calling_pipeline.vendors.answers import Answer, parsed
from calling_pipeline.vendors.http import NOT_TAKEN, VendorHttp, retry_after_s

VENDOR = "dialling gateway"
SUCCESS = "0"
TARGET_OBJ_TYPE = "1000"
VERSION = "1.0"
MESSAGE_LENGTH = 200
ACCOUNT_CODES = frozenset({"401", "1003"})
"""Codes by which the gateway refuses our account or the form of our requests, whatever the number."""


@dataclass(frozen=True)
class GatewayAccount:
    """Who we are to the gateway, and the constants it gave us."""

    app_id: str
    app_key: str
    svc_code: str = "6010020001"
    api_code: str = "601002000100001"
    event_code: str = ""
    target_obj_id: str = ""
    lan_id: str = "1600"
    sign: str = ""


@dataclass(frozen=True)
class Push:
    """One number to call. `distinct_id`: 17 digits, of this call alone, and the same whenever it is sent again."""

    distinct_id: str
    phone: str
    staff_name: str | None = None
    sys_name: str | None = None
    order_type: str | None = None
    order_nums: int | None = None


@dataclass(frozen=True)
class PushAnswer:
    """What became of one request.

    A `refused` call was refused by the business (no such number, …), unless `not_executed`: then the request itself was
    refused (HTTP 4xx) and reached no business rule. `halt`: every other number would end the same until a person acts.
    `about_account`: what was refused is our account or the form of our requests, not the number.
    """

    outcome: Outcome
    resp_code: str = ""
    message: str = ""
    http_status: int | None = None
    retry_after_s: float | None = None
    not_executed: bool = False
    halt: bool = False
    about_account: bool = False


class _Result(msgspec.Struct):
    resp_code: str | int
    result_msg: Any = None


class _Content(msgspec.Struct):
    result: _Result


class _Root(msgspec.Struct):
    content: _Content = msgspec.field(name="svcCont")


class _Answer(msgspec.Struct):
    root: _Root = msgspec.field(name="contractRoot")


_decoder = msgspec.json.Decoder(_Answer)


class DialGateway:
    """Client of the gateway. Use as an async context manager; see `VendorHttp`."""

    def __init__(
        self,
        url: str,
        account: GatewayAccount,
        *,
        concurrency: int = 32,
        timeout_s: float = 10.0,
        account_codes: Collection[str] = ACCOUNT_CODES,
        transport: httpx.AsyncBaseTransport | None = None,
        shadow: bool = False,
    ) -> None:
        self._account = account
        self._account_codes = frozenset(account_codes)
        headers = {"X-APP-ID": account.app_id, "X-APP-KEY": account.app_key, "Content-Type": "application/json"}
        self._http = VendorHttp(
            VENDOR,
            url,
            concurrency=concurrency,
            timeout_s=timeout_s,
            headers=headers,
            secrets=(account.app_key, account.sign),
            transport=transport,
            shadow=shadow,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def push(self, push: Push) -> PushAnswer:
        """Send one request and judge its answer; raises nothing the gateway or the network does."""
        content = json.dumps(request_body(push, self._account, days.now()), ensure_ascii=False).encode()
        try:
            return classify(await self._http.request("POST", "", safe=False, content=content), self._account_codes)
        except VendorUnavailable as error:
            return PushAnswer("retry", message=str(error)[:MESSAGE_LENGTH])
        except AmbiguousOutcome as error:
            return PushAnswer("unknown", message=str(error)[:MESSAGE_LENGTH])


def request_body(push: Push, account: GatewayAccount, at: dt.datetime) -> dict[str, Any]:
    """The gateway's own form of a push."""
    local = at.astimezone(days.SHANGHAI)
    business = {
        "staff_name": push.staff_name or "",
        "sys_name": push.sys_name or "",
        "order_type": push.order_type or "",
        "order_nums": "" if push.order_nums is None else push.order_nums,
    }
    properties = {
        "event_code": account.event_code,
        "oper_time": days.wall_clock(local),
        "target_obj_type": TARGET_OBJ_TYPE,
        "target_obj_id": account.target_obj_id,
        "accs_nbr": push.phone,
        "contact_nbr": push.phone,
        "lan_id": account.lan_id,
        "cust_name": push.staff_name or "",
        "busi_params": business,
    }
    transport = {
        "req_time": f"{local:%Y%m%d%H%M%S}000",
        "svc_code": account.svc_code,
        "api_code": account.api_code,
        "transaction_id": "",
        "sign": account.sign,
        "version": VERSION,
    }
    content = {"distinct_id": push.distinct_id, "properties": properties}
    return {"contract_root": {"tcp_cont": transport, "svc_cont": content}}


def settings_to_look_at(answer: PushAnswer) -> str:
    """The settings that decide whether the gateway takes our calls, for a person whose calls end like `answer`."""
    if answer.outcome == "unknown":
        return "CALLING_GATEWAY_URL and CALLING_GATEWAY_TIMEOUT_S, and ask the gateway's operator"
    if answer.resp_code == "401" or answer.halt:
        return "CALLING_GATEWAY_URL, CALLING_GATEWAY_APP_ID, CALLING_GATEWAY_APP_KEY and CALLING_GATEWAY_SIGN"
    if answer.about_account:
        return (
            "CALLING_GATEWAY_EVENT_CODE, CALLING_GATEWAY_TARGET_OBJ_ID, CALLING_GATEWAY_SVC_CODE,"
            " CALLING_GATEWAY_API_CODE and CALLING_GATEWAY_LAN_ID"
        )
    return (
        "CALLING_GATEWAY_APP_ID, CALLING_GATEWAY_EVENT_CODE and CALLING_GATEWAY_TARGET_OBJ_ID; if the numbers themselves are"
        " refused, nothing is wrong"
    )


def classify(response: Answer | httpx.Response, account_codes: Collection[str] = ACCOUNT_CODES) -> PushAnswer:
    """What an answer says about the outcome of the call.

    `NOT_TAKEN` says that the gateway did not take the request; any other 5xx may hide a call that was made. A 4xx or 3xx
    was not executed either; of those, what concerns our credentials or the address concerns every number.
    """
    status = response.status_code
    if status == 200:
        return _classify_body(response, account_codes)
    said = f"HTTP {status}"
    if status in NOT_TAKEN:
        return PushAnswer("retry", message=said, http_status=status, retry_after_s=retry_after_s(response))
    if status in (401, 403, 404, 405, 407) or 300 <= status < 400:
        return PushAnswer("retry", message=_with_words(said, response), http_status=status, halt=True, about_account=True)
    if 400 <= status < 500 and status != 408:
        words = _with_words(said, response)
        return PushAnswer("refused", message=words, http_status=status, not_executed=True, about_account=True)
    return PushAnswer("unknown", message=said, http_status=status)


def _with_words(said: str, response: Answer | httpx.Response) -> str:
    """The status and, unless it is a page, the beginning of the body: the gateway's own words for what is wrong."""
    words = " ".join(response.content.decode(errors="replace").split())
    if not words or words.startswith("<"):
        return said
    return mask_digits(f"{said}: {words}")[:MESSAGE_LENGTH]


def _classify_body(response: Answer | httpx.Response, account_codes: Collection[str]) -> PushAnswer:
    try:
        result = parsed(_decoder.decode, response.content).root.content.result
    except msgspec.DecodeError as error:
        return PushAnswer("unknown", message=f"unreadable answer: {error}"[:MESSAGE_LENGTH], http_status=200)
    code = str(result.resp_code)
    message = "" if result.result_msg is None else mask_digits(str(result.result_msg))[:MESSAGE_LENGTH]
    if code == SUCCESS:
        return PushAnswer("done", code, message, 200)
    return PushAnswer("refused", code[:40], message, 200, about_account=code in account_codes)
