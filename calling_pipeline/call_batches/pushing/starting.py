"""Whether a batch may start. Every door pushes by `push_batch`, which asks here first.

No batch starts with a number twice in it, nor while somebody was called too often yesterday or today and no person has
looked into it: what made that call would make more of them. A person's decision is kept in the task ledger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.call_batches import quality
from calling_pipeline.call_batches.batches import alerting, lifecycle
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.records import ROOM
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.outgoing import holding
from calling_pipeline.task_ledger import store as ledger_store
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails

JUDGED_DAYS = 2
"""Today's and yesterday's batches: what runs overnight is judged whole."""


def stop_unless_safe(connection: sa.Connection, batch: Batch, refusal: str | None = None) -> str | None:
    """Pause the batch and raise its alert when it must not start; returns why, None when it may.

    `refusal`: why no batch may start with the settings as they are. While calls of batches are held back it stays as it is
    and goes on by itself afterwards.
    """
    if batch.state not in ("planned", "running", "waiting"):
        return None
    held = holding.refusal(connection, "batches")
    if held is not None:
        return f"batch {batch.id} does not start: {held}"
    if refusal is not None:
        return _stopped(connection, batch, f"batch {batch.id} does not start: {refusal}")
    found = quality.may_start(
        quality.StartFacts(batch.id, fact_store.repeated_in(connection, batch.id), to_decide(connection))
    )
    if found.passed:
        return None
    return _stopped(connection, batch, found.sentence)


def _stopped(connection: sa.Connection, batch: Batch, why: str) -> str:
    lifecycle.pause(connection, batch.id, note=why)
    alerting.stopped(connection, batch, why)
    return why


def accept(connection: sa.Connection, calls: Sequence[int], *, reason: str, by: str) -> int:
    """A person has looked into calls that came too often: batches start again. Returns how many were accepted.

    Raises `NotFound` for a call that is not among those found, `InvalidInput` without a reason.
    """
    if not reason.strip():
        raise InvalidInput("say in a reason what was found", field="reason")
    found = {breach.call: breach for breach in to_decide(connection)}
    unknown = [call for call in calls if call not in found]
    if unknown or not calls:
        named = ", ".join(map(str, found)) or "none"
        raise NotFound(f"calls that came too often and wait for a decision: {named}")
    for call in calls:
        details: dict[str, Any] = {"reason": reason, "batch": found[call].batch, "kind": found[call].kind}
        save_task_details(connection, TaskDetails(_ledger_id(call), ROOM, "completed", details=details, by=by))
        note_act(connection, "call.accept", f"call:{call}", by=by, reason=reason, after=details)
    return len(calls)


def to_decide(connection: sa.Connection) -> tuple[quality.Breach, ...]:
    """The calls of the judged days that came too often, and about which nobody has decided."""
    today = days.today()
    judged = [today - dt.timedelta(days=back) for back in range(JUDGED_DAYS)]
    found = [breach for day in judged for breach in fact_store.called_too_often(connection, day)]
    return tuple(breach for breach in found if ledger_store.task(connection, _ledger_id(breach.call)) is None)


def _ledger_id(call: int | None) -> str:
    return f"called_too_often:{call}"
