"""What an operator does to a batch: pause, resume, cancel, settle; and what is done for a batch whose process died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.call_batches.batches import ending
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.records import ROOM, Batch, BatchState
from calling_pipeline.contact_policy import gate
from calling_pipeline.errors import Conflict, InvalidInput, NotFound


@dataclass(frozen=True)
class Settled:
    """What settling did: calls settled, and batches that go on because of it."""

    calls: int
    batches: tuple[int, ...]


def pause(connection: sa.Connection, batch_id: int, *, note: str = "paused by an operator") -> Batch:
    """Claim nothing more; what is on its way is still recorded. `Conflict` when the batch is over."""
    return _move(connection, batch_id, "paused", ("planned", "running", "waiting"), note)


def resume(connection: sa.Connection, batch_id: int) -> Batch:
    """Let a paused or waiting batch go on now, in the process that still holds it or in the next that looks."""
    now = days.now()
    moved = batch_store.move(connection, batch_id, "waiting", come_from=("paused", "waiting"), now=now, resume_at=now)
    batch = batch_store.batch(connection, batch_id)
    if not moved and batch.state not in ("planned", "running"):
        raise Conflict(f"batch {batch_id} is {batch.state} and cannot go on")
    return batch


def cancel(connection: sa.Connection, batch_id: int) -> Batch:
    """Skip everything not yet sent. What is on its way is still recorded."""
    batch = _move(connection, batch_id, "cancelled", ("planned", "running", "waiting", "paused"), "cancelled by an operator")
    call_store.skip_pending(connection, batch_id)
    ending.close(connection, batch, "cancelled", by="operator")
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
    batch it is skipped. Raises `NotFound` when no unknown call fits.
    """
    if settlement == "abandoned":
        raise InvalidInput("a call is settled as pushed or as retry", field="settle_as")
    chosen = call_store.unknown_ids(connection, batch_id=batch_id, ids=ids, distinct_id=distinct_id)
    if not chosen:
        raise NotFound("no unknown call fits; `calling-pipeline calls batches ID` shows those there are")
    pushed = settlement == "done"
    done = call_store.settle(connection, chosen, pushed=pushed, note=note, by=by, now=days.now())
    batches = sorted({batch for _, batch, _ in done})
    if not pushed:
        gate.withdraw_many(connection, ROOM, [distinct for _, _, distinct in done])
        call_store.reopen(connection, batches, days.now())
    return Settled(len(done), tuple(batches))


def recover(engine: sa.Engine, *, by: str = "") -> int:
    """Call unknown what dead processes left in `pushing`, in every batch that no process holds; returns how many."""
    with engine.begin() as connection:
        candidates = call_store.batches_with_pushing(connection)
    found = 0
    for batch_id in candidates:
        lock = batch_store.runner_lock(engine.url, batch_id)
        if not lock.take():
            continue
        try:
            with engine.begin() as connection:
                found += ending.orphans(connection, batch_id, by=by)
        finally:
            lock.free()
    return found


def _move(connection: sa.Connection, batch_id: int, state: BatchState, come_from: Sequence[BatchState], note: str) -> Batch:
    moved = batch_store.move(connection, batch_id, state, come_from=come_from, now=days.now(), note=note)
    batch = batch_store.batch(connection, batch_id)
    if not moved and batch.state != state:
        raise Conflict(f"batch {batch_id} is {batch.state}; it cannot be {state} any more")
    return batch
