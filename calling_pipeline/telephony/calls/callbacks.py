"""Infinity's call-record callbacks: believed only when signed, counted once, never lost.

A callback may overtake MakeCall's answer or tell of a call we do not know: it is kept and matched later.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from calling_pipeline import days
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.engine import driver_sql
from calling_pipeline.errors import InvalidInput, SecretUnreadable
from calling_pipeline.masking import mask_digits
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.records import CallbackOutcome, CallReport, FinalState
from calling_pipeline.telephony.tenants import configurations
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.url_guard import checked_url

WINDOW_S = 300
LARGEST_BODY = 64 * 1024
_SECRETS_SQL = driver_sql(tenant_store.CALLBACK_SECRETS)
_RESULTS: tuple[tuple[FinalState, tuple[str, ...]], ...] = (
    ("busy", ("忙", "占线", "busy", "486")),
    ("cancelled", ("取消", "cancel", "487", "主动挂")),
    ("failed", ("失败", "错误", "异常", "fail", "error")),
)
_TRUE = frozenset({"1", "true", "yes", "y", "是", "已接通"})
_FALSE = frozenset({"0", "false", "no", "n", "否", "", "none", "null", "未接通"})


class Unsigned(Exception):
    """A callback without a valid signature within the window; its text says which, for the log and the sender."""


class AsyncDriver(Protocol):
    """What a callback needs of psycopg's asynchronous connection, in autocommit mode."""

    async def execute(self, query: str, params: Mapping[str, object]) -> Any:
        """Run one statement."""


async def receive(
    connection: AsyncDriver, box: SecretBox, *, body: bytes, timestamp: str | None, signature: str | None
) -> CallbackOutcome:
    """Check and apply one callback. Raises `Unsigned`, and `InvalidInput` for a signed body that cannot be read.

    Everything a callback changes is one statement, so a crash leaves all or nothing and Infinity repeats it.
    """
    now = days.now()
    signed_at = _within_window(timestamp, now)
    call_uuid = _call_uuid(body)
    cursor = await connection.execute(_SECRETS_SQL, {"call_uuid": call_uuid, "now": now})
    config_id = _signer(box, await cursor.fetchall(), f"{timestamp}".encode(), signature or "", body)
    report = decode(body)
    values: dict[str, object] = {
        **report.__dict__,
        "config_id": config_id,
        "body_digest": hashlib.sha256(body).digest(),
        "signed_at": signed_at,
        "now": now,
        "delay_s": max(0.0, (now - signed_at).total_seconds()),
        "verdict": "failed" if report.state == "failed" else "good",
    }
    ((repeats, record_id, settled),) = await (await connection.execute(call_store.KEEP_CALLBACK_SQL, values)).fetchall()
    if record_id is None:  # MakeCall's answer may have been committed after that statement began
        matching = {"now": now, "config_id": config_id, "call_uuid": report.call_uuid}
        ((matched,),) = await (await connection.execute(call_store.MATCH_CALL_SQL, matching)).fetchall()
        return "applied" if matched else "duplicate" if repeats else "kept"
    if settled:
        return "applied"
    return "duplicate" if repeats else "already_settled"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature Infinity sends: hex HMAC-SHA256 over the timestamp, a dot and the raw body."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def decode(body: bytes) -> CallReport:
    """The body as a report; `InvalidInput` names the field. What is absent or null counts as nothing said."""
    document = _document(body)
    call_uuid = _text(document.get("call_uuid"))
    if not call_uuid or len(call_uuid) > 200 or not call_uuid.isprintable():
        raise InvalidInput("call_uuid must be 1 to 200 printable characters", field="call_uuid")
    result = mask_digits(_clean(document.get("contact_result")))
    duration = _duration(document.get("call_duration"))
    connected = _connected(document.get("is_connected"))
    return CallReport(
        call_uuid=call_uuid,
        reference=_reference(document.get("custom_params")),
        state="connected" if connected else state_of(result),
        duration_s=duration,
        contact_result=result,
        remark=mask_digits(_clean(document.get("remark"))),
        recording_url=_url(document.get("call_record_url")),
    )


def state_of(result: str) -> FinalState:
    """What a call that was not connected came to, by the vendor's words for it."""
    said = result.casefold()
    for state, words in _RESULTS:
        if any(word in said for word in words):
            return state
    return "not_connected"


def _within_window(timestamp: str | None, now: dt.datetime) -> dt.datetime:
    if timestamp is None or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise Unsigned("X-Timestamp must be Unix seconds")
    age_s = now.timestamp() - int(timestamp)
    if abs(age_s) > WINDOW_S:
        raise Unsigned(f"X-Timestamp is more than {WINDOW_S} s away from our clock")
    return dt.datetime.fromtimestamp(int(timestamp), days.SHANGHAI)


def _call_uuid(body: bytes) -> str:
    """The call the body claims to be about: only whose secret to try, nothing is believed yet."""
    try:
        return _text(_document(body).get("call_uuid")).encode("utf-8", "ignore").decode().replace("\x00", "")
    except InvalidInput:
        return ""


def _signer(box: SecretBox, rows: Sequence[tuple[Any, ...]], timestamp: bytes, signature: str, body: bytes) -> int:
    """The configuration whose secret signed the body; every candidate is compared, in constant time."""
    given = signature.strip().lower().encode("utf-8", "replace")
    found: int | None = None
    for config_id, tenant_id, sealed, previous in rows:
        try:
            secrets = configurations.callback_secrets(box, config_id, tenant_id, sealed, previous)
        except SecretUnreadable:
            continue
        for secret in secrets:
            if hmac.compare_digest(sign(secret, timestamp.decode(), body).encode(), given):
                found = config_id
    if found is None:
        raise Unsigned("X-Signature does not fit the body")
    return found


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON") from error
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object")
    return document


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _clean(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:1000]


def _duration(value: Any) -> int:
    try:
        seconds = float(value if value not in (None, "") else 0)
        if not 0 <= seconds < 10**7:
            raise ValueError
        return int(seconds)
    except (TypeError, ValueError) as error:
        raise InvalidInput("call_duration must be seconds", field="call_duration") from error


def _connected(value: Any) -> bool:
    said = str(value).strip().casefold()
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    raise InvalidInput("is_connected must be true or false", field="is_connected")


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
