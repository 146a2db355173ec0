"""How a batch changes its state: by an operator, by its runner, and when an orphaned claim is found."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.call_batches.batches import alerting
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.gateway_rate import store as rate_store
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.records import ROOM, BatchState
from calling_pipeline.contact_policy import gate
from calling_pipeline.database import locks
from calling_pipeline.database.engine import direct_url
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.masking import mask_digits
from calling_pipeline.shadow import PLANNED_ONLY
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails


@dataclass(frozen=True)
class Ending:
    """The state a runner leaves its batch in, and why."""

    state: Literal["completed", "waiting", "paused"]
    note: str = ""
    resume_at: dt.datetime | None = None
    alert: bool = False


@dataclass(frozen=True)
class Settled:
    """What settling did: calls settled, and batches that go on because of it."""

    calls: int
    batches: tuple[int, ...]


EXPIRED = "expired: what was not called by then is not called any more"


def pause(connection: sa.Connection, batch_id: int, *, note: str = "", by: str = "", reason: str = "") -> Batch:
    """Claim nothing more; outcomes on their way are still recorded. Raises `Conflict` when the batch is over.

    Either a person does it (`by`), or the program for what `note` says.
    """
    before = batch_store.batch(connection, batch_id)
    text = note or _said("paused", by, reason)
    after = _move(connection, batch_id, "paused", ("planned", "running", "waiting"), text)
    _note_act(connection, "pause", before, after, by=by, reason=reason)
    _note(connection, after, by)
    return after


def stop(connection: sa.Connection, batch_id: int, *, by: str) -> Batch:
    """Pause a batch whose process a person stopped. Raises `Conflict` when the batch is over."""
    before = batch_store.batch(connection, batch_id)
    after = pause(connection, batch_id, note=f"stopped by {by or 'an operator'}")
    _note_act(connection, "stop", before, after, by=by, reason="")
    return after


def resume(connection: sa.Connection, batch_id: int, *, by: str = "", reason: str = "") -> Batch:
    """Let a paused or waiting batch go on now, in the process that still holds it or in the next that looks.

    Raises `Conflict` when the batch is over.
    """
    now, before = days.now(), batch_store.batch(connection, batch_id)
    moved = batch_store.move(connection, batch_id, "waiting", come_from=("paused", "waiting"), now=now, resume_at=now)
    batch = batch_store.batch(connection, batch_id)
    if not moved and batch.state not in ("planned", "running"):
        raise Conflict(f"batch {batch_id} is {batch.state} and cannot go on")
    _note_act(connection, "resume", before, batch, by=by, reason=reason)
    alerting.goes_on(connection, batch)
    _note(connection, batch, by)
    return batch


def end_shadow(connection: sa.Connection, batch_id: int) -> Batch:
    """End a batch that was planned in shadow mode: what it would call is kept with that reason, and never called."""
    batch_store.move(connection, batch_id, "completed", come_from=("planned",), now=days.now(), note=PLANNED_ONLY)
    call_store.skip_pending(connection, batch_id, "shadow")
    batch = batch_store.batch(connection, batch_id)
    _save_in_ledger(connection, batch, "completed", by=batch.task_name)
    _note(connection, batch, "")
    return batch


def hand_over(connection: sa.Connection, batch_id: int) -> Batch:
    """Leave a planned batch to whoever looks next for batches that wait: the sensor `calling_tasks`."""
    now = days.now()
    batch_store.move(connection, batch_id, "waiting", come_from=("planned",), now=now, resume_at=now)
    return batch_store.batch(connection, batch_id)


def cancel(connection: sa.Connection, batch_id: int, *, by: str = "", reason: str = "") -> Batch:
    """Skip everything not yet sent; outcomes on their way are still recorded. Raises `Conflict` when the batch is over."""
    before, text = batch_store.batch(connection, batch_id), _said("cancelled", by, reason)
    batch = _move(connection, batch_id, "cancelled", ("planned", "running", "waiting", "paused"), text)
    _note_act(connection, "cancel", before, batch, by=by, reason=reason)
    call_store.skip_pending(connection, batch_id, "cancelled")
    call_store.forget_account_refusals(connection, batch_id)
    alerting.account_refusals(connection, batch)
    _save_in_ledger(connection, batch, "cancelled", by=by or "operator")
    alerting.goes_on(connection, batch)
    _note(connection, batch, by or "operator")
    return batch


def settle(
    connection: sa.Connection,
    settlement: Settlement,
    *,
    batch_id: int | None = None,
    ids: Sequence[int] | None = None,
    distinct_id: str | None = None,
    by: str,
    note: str = "",
) -> Settled:
    """Say what became of unknown calls: `done` (made, as the gateway confirms) or `retry` (not made: call again).

    A retry carries the same `distinct_id`, asks the contact policy anew and lets a completed batch go on; in a cancelled
    batch it is skipped. Raises `NotFound` when no unknown call fits, `InvalidInput` for another settlement.
    """
    if settlement == "abandoned":
        raise InvalidInput("a call is settled as pushed or as retry", field="settle_as")
    chosen = call_store.unknown_ids(connection, batch_id=batch_id, ids=ids, distinct_id=distinct_id)
    if not chosen:
        raise NotFound("no unknown call fits; `calling-pipeline calls batches ID` shows those there are")
    pushed = settlement == "done"
    settled = call_store.settle(connection, chosen, pushed=pushed, note=note, by=by, now=days.now())
    batches = sorted({batch for _, batch, _ in settled})
    for one in batches:
        after = {"as": settlement, "calls": [call for call, batch, _ in settled if batch == one]}
        note_act(connection, "batch.settle", f"batch:{one}", by=by, reason=note, after=after)
    if pushed:
        result_store.mark_stale(connection, batch_store.days_of(connection, batches))
    else:
        gate.withdraw_many(connection, ROOM, [distinct for _, _, distinct in settled])
        batch_store.reopen(connection, batches, days.now())
    for settled_batch in (batch_store.batch(connection, each) for each in batches):
        alerting.unknown_calls(connection, settled_batch)
        _note(connection, settled_batch, by)
    return Settled(len(settled), tuple(batches))


def requeue(connection: sa.Connection, batch_id: int, *, code: str | None = None, reason: str, by: str) -> int:
    """Have the refused calls of a batch called again for which our account was refused, or those refused with `code`.

    For a person who has mended what the gateway refused. Each carries a new distinct_id and asks the contact policy anew;
    a completed batch goes on, a paused one when it is resumed. Returns how many. Raises `NotFound` when no call fits,
    `Conflict` when the batch is cancelled or expired, `InvalidInput` without a reason.
    """
    if not reason.strip():
        raise InvalidInput("say in a reason what was mended", field="reason")
    locks.hold(connection, "call batches", "planning")
    batch, now = batch_store.batch(connection, batch_id), days.now()
    if batch.state == "cancelled" or batch.is_expired(now):
        raise Conflict(f"batch {batch_id} is {'expired' if batch.is_expired(now) else 'cancelled'}; plan another")
    chosen = call_store.account_refusals(connection, batch_id, code)
    requeued = call_store.requeue(connection, chosen, note=mask_digits(reason), by=by, now=now)
    if not requeued:
        which = "for our account" if code is None else f"with code {code}"
        raise NotFound(f"batch {batch_id} has no call that was refused {which} and whose number is open nowhere else")
    gate.withdraw_many(connection, ROOM, [distinct for _, distinct in requeued])
    batch_store.reopen(connection, [batch_id], now)
    alerting.account_refusals(connection, batch)
    after = {"calls": len(requeued), "code": code}
    note_act(connection, "batch.requeue", f"batch:{batch_id}", by=by, reason=reason, after=after)
    _note(connection, batch, by)
    return len(requeued)


def expire(connection: sa.Connection, *, by: str = "") -> int:
    """End the expired batches that no process holds; returns how many. One that is held ends in its process."""
    ended = 0
    for batch_id in batch_store.expired_batches(connection, days.now()):
        if batch_store.is_pushed(connection, batch_id):
            continue
        come_from: tuple[BatchState, ...] = ("planned", "running", "waiting", "paused")
        moved = batch_store.move(connection, batch_id, "completed", come_from=come_from, now=days.now(), note=EXPIRED)
        if moved:
            ended += 1
            _end(connection, batch_store.batch(connection, batch_id), by=by)
    return ended


def leave(connection: sa.Connection, batch_id: int, runner: uuid.UUID, end: Ending, *, by: str) -> bool:
    """Leave the batch; False when it is no longer this runner's, or was paused or cancelled at the same moment."""
    moved = batch_store.move(
        connection,
        batch_id,
        end.state,
        come_from=("running",),
        now=days.now(),
        note=end.note,
        resume_at=end.resume_at,
        runner=runner,
    )
    if not moved:
        return False
    batch = batch_store.batch(connection, batch_id)
    rate_store.forget(connection, batch_id, days.now())
    if end.alert:
        alerting.stopped(connection, batch, f"batch {batch_id} of {batch.task_name} is {end.state}: {end.note}")
    if end.state == "completed":
        _end(connection, batch, by=by)
        return True
    _note(connection, batch, by)
    return True


def recover(engine: sa.Engine, *, by: str = "") -> int:
    """Make orphaned claims unknown in every batch that no process holds; returns how many."""
    with engine.begin() as connection:
        candidates = call_store.batches_with_pushing(connection)
    found = 0
    for batch_id in candidates:
        lock = batch_store.runner_lock(direct_url(engine), batch_id)
        if not lock.take():
            continue
        try:
            with engine.begin() as connection:
                found += mark_orphans_unknown(connection, batch_id, by=by)
        finally:
            lock.free()
    return found


def mark_orphans_unknown(connection: sa.Connection, batch_id: int, *, by: str) -> int:
    """Make the batch's orphaned claims unknown; returns how many. Only for the holder of the batch's lock."""
    found = call_store.orphans_to_unknown(connection, batch_id, now=days.now(), by=by)
    if found:
        batch = batch_store.batch(connection, batch_id)
        alerting.unknown_calls(connection, batch)
        _note(connection, batch, by)
    return found


def _end(connection: sa.Connection, batch: Batch, *, by: str) -> None:
    """A batch is completed; of an expired one, what was not called is skipped."""
    if batch.is_expired(days.now()):
        call_store.skip_pending(connection, batch.id, "expired")
    alerting.goes_on(connection, batch)
    alerting.account_refusals(connection, batch)
    _save_in_ledger(connection, batch, "completed", by=by)
    _note(connection, batch, by)


def _said(what: str, by: str, reason: str) -> str:
    """What the batch says of it: numbers in a person's reason are masked."""
    return f"{what} by {by or 'an operator'}" + (f": {mask_digits(reason.strip())}" if reason.strip() else "")


def _note_act(connection: sa.Connection, verb: str, before: Batch, after: Batch, *, by: str, reason: str) -> None:
    """Keep in the audit log what a person did; the program's own moves are kept by the batch itself."""
    if by:
        states: list[dict[str, Any]] = [{"state": batch.state, "note": batch.note} for batch in (before, after)]
        subject = f"batch:{after.id}"
        note_act(connection, f"batch.{verb}", subject, by=by, reason=reason, before=states[0], after=states[1])


def _note(connection: sa.Connection, batch: Batch, by: str) -> None:
    """The pages of the batch's day have changed."""
    for asset in ("call_batches", "call_history"):
        note(connection, asset, batch.day, by=by)


def _move(connection: sa.Connection, batch_id: int, state: BatchState, come_from: Sequence[BatchState], note: str) -> Batch:
    moved = batch_store.move(connection, batch_id, state, come_from=come_from, now=days.now(), note=note)
    batch = batch_store.batch(connection, batch_id)
    if not moved and batch.state != state:
        raise Conflict(f"batch {batch_id} is {batch.state}; it cannot be {state} any more")
    return batch


def _save_in_ledger(connection: sa.Connection, batch: Batch, state: Literal["completed", "cancelled"], *, by: str) -> None:
    """Say in the task ledger, and by an alert when calls are unknown, how the batch ended."""
    outcome = batch_store.outcome(connection, batch.id)
    details = {**{f"calls_{name}": count for name, count in outcome.states.items()}, "ended": state}
    ledger_state: Literal["completed", "failed"] = "completed" if state == "completed" else "failed"
    save_task_details(connection, TaskDetails(f"batch:{batch.id}", ROOM, ledger_state, details=details, by=by or ROOM))
    alerting.unknown_calls(connection, batch)
