"""Claiming: pending calls become this runner's, after the contact policy allowed them at this moment."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.gateway_rate import store as rate_store
from calling_pipeline.call_batches.batches.gateway_rate.store import Reservation
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calling_tasks.redials import store as redial_store
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import ClaimDecision, Claimed
from calling_pipeline.call_batches.dependencies import PushLimits
from calling_pipeline.call_batches.records import ROOM, BatchState
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.records import Attempt, Policy, Verdict
from calling_pipeline.outgoing import holding

CAP_PATIENCE = dt.timedelta(minutes=15)
"""A cap that would allow the call within this time delays it; otherwise the call is skipped."""


@dataclass(frozen=True)
class Claim:
    """What a claim brought, and when its calls may be sent. `state` is the batch's; None when another runner took over.

    `held`: why nothing may be claimed now.
    """

    state: BatchState | None
    calls: tuple[Claimed, ...] = ()
    reserved: Reservation | None = None
    held: str | None = None


def claim_chunk(
    connection: sa.Connection,
    batch: Batch,
    policy: Policy,
    *,
    runner: uuid.UUID,
    claim: str,
    distinct_ids: Sequence[str],
    now: dt.datetime,
    limits: PushLimits | None = None,
) -> Claim:
    """Claim as many due calls as there are `distinct_ids`; the caller commits before anything is sent.

    A call the policy refuses is skipped or delayed, one whose number was called since is skipped, and so is a redial that
    its rule no longer allows. Of the account's rate (`limits`) as much is reserved as was claimed. Nothing of an expired
    batch is claimed.
    """
    state = batch_store.fence(connection, batch.id, runner)
    if state != "running" or batch.is_expired(now):
        return Claim(state)
    held = holding.refusal(connection, "batches")
    if held is not None:
        return Claim(state, held=held)
    recall_from = None if batch.recall_days is None else now - dt.timedelta(days=batch.recall_days)
    rows = call_store.due(connection, batch.id, now=now, recall_from=recall_from, limit=len(distinct_ids))
    if not rows:
        return Claim(state)
    named = [(row, row.distinct_id or fresh) for row, fresh in zip(rows, distinct_ids, strict=False)]
    barred = _barred(connection, batch, rows, recall_from, now)
    askable = [(row, distinct_id) for row, distinct_id in named if row.id not in barred]
    wishes = [Attempt(row.phone, ROOM, distinct_id, now) for row, distinct_id in askable]
    verdicts = gate.check_and_record_many(connection, wishes, policy)
    granted = [(row, distinct_id) for (row, distinct_id), verdict in zip(askable, verdicts, strict=True) if verdict.allowed]
    decided: list[ClaimDecision] = [
        _decided(row, distinct_id, verdict, now) for (row, distinct_id), verdict in zip(askable, verdicts, strict=True)
    ]
    decided += [ClaimDecision(row.id, "skipped", row.distinct_id, barred[row.id]) for row, _ in named if row.id in barred]
    call_store.apply_claim(connection, claim, decided, now)
    calls = tuple(call_store.to_claimed(row, distinct_id, claim) for row, distinct_id in granted)
    return Claim(state, calls, reserve(connection, batch, limits, len(calls)) if calls and limits else None)


def _barred(
    connection: sa.Connection, batch: Batch, rows: Sequence[Any], recall_from: dt.datetime | None, now: dt.datetime
) -> dict[int, str]:
    """Due calls whose number was called since they were planned, or whose redial its rule no longer allows, with why."""
    barred = {row.id: "called_before" for row in rows if row.called_before}
    redialled = {row.phone: row.id for row in rows if row.redials}
    said = redial_store.verdicts(
        connection, batch.calling_task_id, batch.redial, list(redialled), recall_from=recall_from, now=now
    )
    for phone, call in redialled.items():
        reason = said[phone].reason if phone in said else "called_before"
        if reason is not None:
            barred[call] = reason
    return barred


def reserve(connection: sa.Connection, batch: Batch, limits: PushLimits, count: int) -> Reservation:
    """Reserve the account's next `count` sends for the batch."""
    return rate_store.reserve(connection, limits.account, limits.account_rate_per_s, batch.id, count)


def take_distinct_ids(connection: sa.Connection, count: int) -> list[str]:
    """`count` ids of 17 digits (`YYYYMMDDHHMMSS` + 3) that were never given out before; unused ones are lost."""
    return [format_slot(slot) for slot in call_store.take_slots(connection, days.now(), count)]


def format_slot(slot_ms: int) -> str:
    """Milliseconds since 1970 as the gateway's `distinct_id`."""
    second = dt.datetime.fromtimestamp(slot_ms // 1000, days.SHANGHAI)
    return f"{second:%Y%m%d%H%M%S}{slot_ms % 1000:03d}"


def release(connection: sa.Connection, batch_id: int, claim: str, ids: Sequence[int] | None = None) -> int:
    """Release claims that were certainly not sent, and withdraw their contact attempts; returns how many."""
    released = call_store.release(connection, batch_id, claim, ids)
    gate.withdraw_many(connection, ROOM, released)
    return len(released)


def _decided(row: Any, distinct_id: str, verdict: Verdict, now: dt.datetime) -> ClaimDecision:
    if verdict.allowed:
        return ClaimDecision(row.id, "pushing", distinct_id)
    waits = verdict.not_before is not None and (
        verdict.rule in ("hours", "holiday") or verdict.not_before - now <= CAP_PATIENCE
    )
    if verdict.rule == "do_not_call" or not waits:
        return ClaimDecision(row.id, "skipped", row.distinct_id, verdict.rule)
    return ClaimDecision(row.id, "pending", row.distinct_id, not_before=verdict.not_before)
