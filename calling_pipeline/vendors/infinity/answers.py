"""Infinity's answers judged: its codes and words become typed records and errors here and nowhere else."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from calling_pipeline import days
from calling_pipeline.at_most_once.outcome import Outcome
from calling_pipeline.errors import (
    AmbiguousOutcome,
    CallingError,
    ContractBreach,
    TransientError,
    VendorAuthRefused,
    VendorError,
    VendorRefused,
    VendorUnavailable,
)
from calling_pipeline.masking import mask_digits
from calling_pipeline.vendors.answers import Answer
from calling_pipeline.vendors.http import retry_after_s
from calling_pipeline.vendors.infinity.records import BilledCall, CallAnswer, CallResult, LineStatus

LOGIN = "App.Sip_Auth.Login"
MAKE_CALL = "App.Sip_Call.MakeCall"
STATUS = "App.Sip_Status.GetSipCallStatus"
BILL = "App.Sip_Cdr.GetBill"
RECORDING = "App.Sip_Cdr.GetRecodeFile"
TOKEN_UNKNOWN = "600"
LONGEST_ID = 200
"""Characters of a call's id at most, as of one in a callback; a longer one has no place in an index."""

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
_EXTENSION_FAULTS = frozenset({"1012", "1013", "1014"})
_RESULTS: tuple[tuple[CallResult, tuple[str, ...]], ...] = (
    ("busy", ("忙", "占线", "busy", "486")),
    ("cancelled", ("取消", "cancel", "487", "主动挂")),
    ("failed", ("失败", "错误", "异常", "fail", "error")),
)


class ExtensionFault(VendorRefused):
    """Infinity refused because of the extension: it does not exist, is disabled or is not registered."""


def data_of(response: Answer | httpx.Response, service: str, *, safe: bool) -> dict[str, Any]:
    """`data` of an answer with `ret` 200; anything else raises a `VendorError`.

    `safe`: the operation may be repeated. Where it may not, what cannot be judged is an `AmbiguousOutcome`.
    """
    if response.status_code != 200:
        raise _http_failure(response, service, safe=safe)
    try:
        answer = json.loads(response.content)
        ret = text(answer["ret"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unreadable(service, safe=safe) from None
    data = answer.get("data")
    if ret != "200":
        raise _ret_failure(service, ret, text(answer.get("msg")), safe=safe)
    if not isinstance(data, dict):
        raise _unreadable(service, safe=safe)
    return data


def called(data: Mapping[str, Any], reference: str) -> CallAnswer:
    """MakeCall's answer: done, with our own id where Infinity names none that could be kept.

    Raises `VendorRefused` (`ExtensionFault` where the extension is to blame), and `AmbiguousOutcome` without a status.
    """
    status = text(data.get("status"))
    if status == "0":
        named = text(data.get("call_uuid"))
        return CallAnswer("done", call_uuid=named if 0 < len(named) <= LONGEST_ID and named.isprintable() else reference)
    if not status:
        raise AmbiguousOutcome(
            "Infinity answered MakeCall without a status; the call may have been made", vendor="Infinity", endpoint=MAKE_CALL
        )
    raise _refusal(MAKE_CALL, _code(data, status))


def not_called(error: CallingError) -> CallAnswer:
    """The outcome that a failure of MakeCall, or of the login before it, stands for."""
    code = error.code if isinstance(error, VendorRefused) else type(error).__name__
    outcome: Outcome = "refused"
    if isinstance(error, AmbiguousOutcome):
        outcome = "unknown"
    elif isinstance(error, TransientError):
        outcome = "retry"
    return CallAnswer(outcome, sentence=str(error), code=code, extension_fault=isinstance(error, ExtensionFault))


def line_status(data: Mapping[str, Any]) -> LineStatus:
    """What an extension is doing. Raises `VendorRefused` or `ContractBreach`."""
    code = text(data.get("status"))
    if code in _LINE:
        return _LINE[code]
    if code == "1" or code in _REFUSALS:
        raise _refusal(STATUS, _code(data, code))
    raise breach(STATUS, f"data.status {code[:20]!r} is not one of {', '.join(_LINE)}")


def result_of(words: str) -> CallResult:
    """How a call that was not connected ended, by Infinity's words for it."""
    folded = words.casefold()
    for result, known in _RESULTS:
        if any(word in folded for word in known):
            return result
    return "not_connected"


def _http_failure(response: Answer | httpx.Response, service: str, *, safe: bool) -> VendorError:
    status = response.status_code
    where: dict[str, Any] = {"vendor": "Infinity", "endpoint": service}
    sentence = f"Infinity answered {service} with HTTP {status}"
    if status == 429 or (status >= 500 and safe):
        return VendorUnavailable(sentence, retry_after_s=retry_after_s(response), **where)
    if status >= 500:
        return AmbiguousOutcome(f"{sentence}; the call may have been made", **where)
    if status in (401, 403):
        return VendorAuthRefused(sentence, code=str(status), **where)
    if 300 <= status < 400:
        return VendorRefused(f"{sentence}; redirects are not followed", code=str(status), **where)
    return VendorRefused(sentence, code=str(status), **where)


def _ret_failure(service: str, ret: str, message: str, *, safe: bool) -> VendorError:
    where: dict[str, Any] = {"vendor": "Infinity", "endpoint": service}
    if ret == "500":
        sentence = f"Infinity answered {service} with ret 500 ({_short(message)})"
        if safe:
            return VendorUnavailable(sentence, **where)
        return AmbiguousOutcome(f"{sentence}; the call may have been made", **where)
    reason = "the token is invalid" if ret == "600" else _REFUSALS.get(ret, _short(message))
    sentence = f"Infinity refused {service}: {reason} (ret {ret[:12]})"
    if ret in _CREDENTIALS:
        return VendorAuthRefused(sentence, code=ret, **where)
    kind = ExtensionFault if ret in _EXTENSION_FAULTS else VendorRefused
    return kind(sentence, code=ret[:12], **where)


def _unreadable(service: str, *, safe: bool) -> VendorError:
    """A 200 that cannot be read: repeated when that does no harm, for a half answer is often a broken connection."""
    sentence = f"Infinity's answer to {service} is not its JSON"
    where: dict[str, Any] = {"vendor": "Infinity", "endpoint": service}
    return (
        VendorUnavailable(sentence, **where)
        if safe
        else AmbiguousOutcome(f"{sentence}; the call may have been made", **where)
    )


def _refusal(service: str, code: str) -> VendorRefused:
    reason = _REFUSALS.get(code, "no reason we know")
    kind = ExtensionFault if code in _EXTENSION_FAULTS else VendorRefused
    return kind(f"Infinity refused {service}: {reason} ({code})", vendor="Infinity", endpoint=service, code=code)


def _code(data: Mapping[str, Any], status: str) -> str:
    """Infinity's reason for a refusal: a field of `data`, a number within its message, or the status itself."""
    for name in ("code", "errcode", "error_code", "errno", "error", "reason"):
        value = text(data.get(name))
        if value.isdigit():
            return value[:12]
    found = _CODE.search(" ".join(text(data.get(name)) for name in ("msg", "message", "errmsg", "reason", "error")))
    return found.group() if found else status[:12]


def breach(service: str, reason: str) -> ContractBreach:
    """The error for an answer outside the contract."""
    return ContractBreach(f"Infinity answered {service} outside its contract: {reason}", vendor="Infinity", endpoint=service)


def billed(row: Any, page: int) -> BilledCall:
    """One row of the bill's page `page`. Raises `ContractBreach`."""
    try:
        started = dt.datetime.fromisoformat(text(row["starttime"])).replace(tzinfo=days.SHANGHAI)
        duration = int(float(text(row.get("duration")) or 0))
        if not text(row["call_uuid"]) or duration < 0:
            raise ValueError
        return BilledCall(
            call_uuid=text(row["call_uuid"]),
            extension=text(row["extnumber"]),
            destination=text(row["destnumber"]),
            caller_number=text(row.get("disnumber")),
            started_at=started,
            duration_s=duration,
            hangup=text(row.get("hangup")),
            result="connected" if duration > 0 else result_of(text(row.get("hangup"))),
            recording_file=text(row.get("recordfile")) or None,
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise breach(BILL, f"page {page}: a call lacks call_uuid, extnumber, destnumber, starttime or duration") from error


def text(value: Any) -> str:
    """A plain value as text; empty for null, lists and objects."""
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _short(message: str) -> str:
    return mask_digits(message)[:80] or "no message"
