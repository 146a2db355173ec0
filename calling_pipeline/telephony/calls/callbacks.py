"""Receives Infinity's call-record callbacks: believed only when signed, counted once, never lost.

A callback may arrive before MakeCall's answer, or be about a call we do not know: it is kept and matched later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from calling_pipeline import days
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import SecretUnreadable
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.store import AsyncDriver, CallbackSecret
from calling_pipeline.telephony.records import CallbackOutcome
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.vendors.infinity.callbacks import Unsigned, claimed_call, decode, is_signed, signed_at


async def receive(
    connection: AsyncDriver, box: SecretBox, *, body: bytes, timestamp: str | None, signature: str | None
) -> CallbackOutcome:
    """Check and apply one callback. Raises `Unsigned`, and `InvalidInput` for a signed body that cannot be read.

    Everything a callback changes is one statement, so a crash leaves all or nothing and Infinity repeats it.
    """
    now = days.now()
    signed = signed_at(timestamp, now)
    candidates = await call_store.callback_secrets(connection, call_uuid=claimed_call(body), now=now)
    config_id = _signer(box, candidates, f"{timestamp}", signature or "", body)
    report = decode(body)
    digest = hashlib.sha256(body).digest()
    kept = await call_store.keep_callback(
        connection, report, config_id=config_id, body_digest=digest, signed_at=signed, now=now
    )
    if kept.record_id is None:  # MakeCall's answer may have been committed after that statement began
        matched = await call_store.match_call(connection, config_id=config_id, call_uuid=report.call_uuid, now=now)
        return "applied" if matched else "duplicate" if kept.repeats else "kept"
    if kept.settled:
        return "applied"
    return "duplicate" if kept.repeats else "already_settled"


def _signer(box: SecretBox, candidates: Sequence[CallbackSecret], timestamp: str, signature: str, body: bytes) -> int:
    """The configuration whose secret signed the body; every candidate is compared. Raises `Unsigned`."""
    found: int | None = None
    for candidate in candidates:
        try:
            secrets = accounts.callback_secrets(box, *candidate)
        except SecretUnreadable:
            continue
        for secret in secrets:
            if is_signed(secret, timestamp, body, signature):
                found = candidate.config_id
    if found is None:
        raise Unsigned("X-Signature does not fit the body")
    return found
