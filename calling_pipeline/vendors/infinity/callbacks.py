"""Infinity's call-record callbacks: how they are signed, and their JSON as a typed record."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits
from calling_pipeline.vendors.answers import storable
from calling_pipeline.vendors.infinity.answers import result_of
from calling_pipeline.vendors.infinity.records import CallResult
from calling_pipeline.vendors.url_guard import checked_url

WINDOW_S = 300
"""How far a callback's timestamp may be from our clock, to either side."""
LARGEST_BODY = 64 * 1024
_TRUE = frozenset({"1", "true", "yes", "y", "是", "已接通"})
_FALSE = frozenset({"0", "false", "no", "n", "否", "未接通"})
_ABSENT = frozenset({"", "none", "null"})
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)", re.ASCII)


class Unsigned(Exception):
    """A callback without a valid signature within the window; its text says which, for the log and the sender."""


@dataclass(frozen=True)
class CallReport:
    """A callback's body. `reference` is our own id of the call, empty when the callback does not carry it.

    `state` is `unknown` when the call has ended and the callback contradicts itself about how: the bill decides.
    """

    call_uuid: str
    reference: str
    state: CallResult | Literal["unknown"]
    duration_s: int
    contact_result: str
    remark: str
    recording_url: str | None


def decode(body: bytes, corrections: Mapping[str, Any] | None = None) -> CallReport:
    """The body as a report. An absent or null field counts as empty. Raises `InvalidInput`, which names the field.

    `corrections`: field → value, by a person who knows what the body means.
    """
    document = _document(body) | dict(corrections or {})
    call_uuid = _text(document.get("call_uuid"))
    if not call_uuid or len(call_uuid) > 200 or not call_uuid.isprintable():
        raise InvalidInput("call_uuid must be 1 to 200 printable characters", field="call_uuid")
    result = mask_digits(_clean(document.get("contact_result")))
    duration = _duration(document.get("call_duration"))
    recording = _url(document.get("call_record_url"))
    return CallReport(
        call_uuid=call_uuid,
        reference=_reference(document.get("custom_params")),
        state=_state(_connected(document.get("is_connected")), duration, result, recorded=recording is not None),
        duration_s=duration,
        contact_result=result,
        remark=mask_digits(_clean(document.get("remark"))),
        recording_url=recording,
    )


def claimed_call(body: bytes) -> str:
    """The call that the body claims to be about; empty when it cannot be read. Not verified: only whose secret to try."""
    try:
        return _text(_document(body).get("call_uuid")).encode("utf-8", "ignore").decode().replace("\x00", "")
    except InvalidInput:
        return ""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature Infinity sends: hex HMAC-SHA256 over the timestamp, a dot and the raw body."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secret: str, timestamp: str, body: bytes, signature: str) -> bool:
    """Whether `secret` made the signature; compared in constant time."""
    given = signature.strip().lower().encode("utf-8", "replace")
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), given)


def signed_at(timestamp: str | None, now: dt.datetime) -> dt.datetime:
    """When the callback was signed. Raises `Unsigned` when that is unreadable or not within the window around `now`."""
    if timestamp is None or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 13:
        raise Unsigned("X-Timestamp must be Unix seconds")
    at_s = int(timestamp) / 1000 if len(timestamp) == 13 else int(timestamp)  # milliseconds have three digits more
    if abs(now.timestamp() - at_s) > WINDOW_S:
        raise Unsigned(f"X-Timestamp is more than {WINDOW_S} s away from our clock")
    return dt.datetime.fromtimestamp(at_s, days.SHANGHAI)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(storable(body))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON") from error
    if isinstance(document, list) and len(document) == 1:
        (document,) = document  # a list of records with one call in it
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object")
    return document


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _clean(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:1000]


def _duration(value: Any) -> int:
    clock = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock is not None:
        hours, minutes, seconds = map(int, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    try:
        length = float(0 if value in (None, "") else value)
        if isinstance(value, bool) or not 0 <= length < 10**7:
            raise ValueError
        return int(length)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("call_duration must be seconds", field="call_duration") from error


def _connected(value: Any) -> bool | None:
    word = str(value).strip().casefold()
    if word in _ABSENT:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidInput("is_connected must be true or false", field="is_connected")


def _state(connected: bool | None, duration_s: int, result: str, *, recorded: bool) -> CallResult | Literal["unknown"]:
    """How the call ended. Not known where talk or a recording stands beside a connection that is denied or not named."""
    if connected:
        return "connected"
    talked = (duration_s > 0 or recorded) if connected is None else (duration_s > 0 and recorded)
    return "unknown" if talked else result_of(result)


def _reference(value: Any) -> str:
    """Our own id of the call, when `custom_params` carries it, as text or as an object."""
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ""
    if isinstance(value, dict):
        value = value.get("customuuid") or value.get("custom_uuid") or value.get("reference")
    text = _text(value)
    return text if len(text) == 32 and text.isalnum() else ""


def _url(value: Any) -> str | None:
    """The recording's address if it is an http address at all; it is shown, never fetched."""
    text = _clean(value).strip()
    try:
        return checked_url(text, field="call_record_url") if text else None
    except InvalidInput:
        return None
