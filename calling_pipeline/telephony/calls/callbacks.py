"""Receives Infinity's call-record callbacks: believed when signed or confirmed, counted once, never lost.

A callback may arrive before MakeCall's answer, or be about a call we do not know: it is kept and matched later.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ipaddress
from collections.abc import Sequence

from calling_pipeline import days, measures, tracing
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import InvalidInput, SecretUnreadable
from calling_pipeline.telephony.calls import lines
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.calls.store import AsyncDriver, CallbackSecret
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import CallbackOutcome, WaitingCallback
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.vendors.infinity.callbacks import CallReport, Unsigned, claimed_call, decode, is_signed, signed_at


async def receive(
    connection: AsyncDriver, box: SecretBox, *, body: bytes, timestamp: str | None, signature: str | None
) -> CallbackOutcome:
    """Check and apply one callback. Raises `Unsigned`, and `InvalidInput` for a signed body that cannot be read: it is kept.

    Everything a callback changes is one statement, so a crash leaves all or nothing and Infinity repeats it.
    """
    outcome = "unreadable"
    try:
        outcome = came_to = await _received(connection, box, body=body, timestamp=timestamp, signature=signature)
        return came_to
    except Unsigned:
        outcome = "unsigned"
        raise
    finally:
        measures.count(measures.CALLBACKS, outcome)


async def _received(
    connection: AsyncDriver, box: SecretBox, *, body: bytes, timestamp: str | None, signature: str | None
) -> CallbackOutcome:
    now = days.now()
    signed = signed_at(timestamp, now)
    named = claimed_call(body)
    candidates = await call_store.callback_secrets(connection, call_uuid=named, now=now)
    config_id = _signer(box, candidates, f"{timestamp}", signature or "", body)
    report = await _readable(connection, box, body, config_id=config_id, signed=signed, named=named)
    measures.observe(measures.CALLBACK_DELAY, max(0.0, (now - signed).total_seconds()))
    digest = hashlib.sha256(body).digest()
    kept = await call_store.keep_callback(
        connection, report, config_id=config_id, body_digest=digest, signed_at=signed, now=now
    )
    if tracing.context() is not None and kept.record_id is not None:
        with tracing.span("callback", parent=await call_store.trace_of(connection, kept.record_id), call=kept.record_id):
            pass  # it joins the trace of its click; how long it took stands in the span of the request
    if report.state == "unknown" and kept.record_id is not None:
        return "duplicate" if kept.repeats else "kept"
    if kept.record_id is None:  # MakeCall's answer may have been committed after that statement began
        matched = await call_store.match_call(connection, config_id=config_id, call_uuid=report.call_uuid, now=now)
        return "applied" if matched else "duplicate" if kept.repeats else "kept"
    if kept.settled:
        return "applied"
    return "duplicate" if kept.repeats else "already_settled"


async def receive_unsigned(
    connection: AsyncDriver, deps: TelephonyDependencies, *, body: bytes, path_secret: str, address: str
) -> CallbackOutcome:
    """A callback without a signature, by the configuration's secret path and from a network that may use it.

    It is kept, and believed only when Infinity itself says that the call's line is idle: now, or when the line is asked
    about later. Raises `Unsigned` for another path or address, and `InvalidInput` for a body that cannot be read.
    """
    now = days.now()
    path = await kept_store.of_path(connection, hashlib.sha256(path_secret.encode()).digest())
    if path is None or not _within(address, path.networks):
        raise Unsigned("there is no such path for callbacks, or not from this address")
    report = await _readable(connection, deps.secrets, body, config_id=path.config_id, signed=now, named=claimed_call(body))
    kept = await kept_store.keep(
        connection,
        deps.secrets,
        body,
        config_id=path.config_id,
        reason="unconfirmed",
        sentence="it is not signed, and Infinity has not said yet that the line is idle",
        call_uuid=report.reference or report.call_uuid,
        signed_at=now,
        now=now,
    )
    if kept.outcome:
        return "duplicate"
    waiting = await asyncio.to_thread(_waiting, deps, kept.id)
    return await lines.confirm(deps, waiting) if waiting is not None else "duplicate"


async def _readable(
    connection: AsyncDriver, box: SecretBox, body: bytes, *, config_id: int, signed: dt.datetime, named: str
) -> CallReport:
    """The body as a report. One that cannot be read is kept before its `InvalidInput` is raised."""
    try:
        return decode(body)
    except InvalidInput as error:
        await kept_store.keep(
            connection,
            box,
            body,
            config_id=config_id,
            reason="unreadable",
            sentence=str(error),
            call_uuid=named,
            signed_at=signed,
            now=days.now(),
        )
        raise


def _waiting(deps: TelephonyDependencies, kept_id: int) -> WaitingCallback | None:
    with deps.transaction() as connection:
        kept = kept_store.find(connection, kept_id)
    return kept if kept is not None and kept.closed_at is None else None


def _within(address: str, networks: Sequence[str]) -> bool:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(one, "ipv4_mapped", None) or one
    return any(plain in ipaddress.ip_network(network) for network in networks)


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
