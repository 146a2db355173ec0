"""What a person decides about a held day: publish it in spite of the gate, or discard what was read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import note
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.held import closing
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.records import FetchProof, HeldDay, TaskSums
from calling_pipeline.call_stats.sync import judging, publishing
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, InvalidInput, NotFound


def publish(connection: sa.Connection, held_id: int, *, by: str, why: str) -> HeldDay:
    """Publish a held day as it was read, in the caller's transaction; the held day as it is then.

    Raises `NotFound` for an id that is not known, `InvalidInput` without a name or a reason, and `Conflict` when the day is
    not held any more or a newer read has been published since.
    """
    held = _open(connection, held_id, by, why)
    if sync_store.newest_fetch_number(connection, held.track, held.date) > held.fetch_number:
        raise Conflict(f"a newer read of the {held.track} track of {held.date} has been published since; discard this one")
    before = judging.published_numbers(store.read_day(connection, held.track, held.date))
    proof = _published_proof(held, by, why)
    if held.track == "grade":
        _publish_records(connection, held_id, proof)
    else:
        sync_store.add_proof(connection, proof)
        sync_store.publish_task_day(connection, proof, TaskSums(**held.numbers), now=days.now())
        note(connection, "task_stats_cache", proof.date)
    after = judging.published_numbers(store.read_day(connection, held.track, held.date))
    closing.close(connection, held_id, "published", by=by, why=why, before=before, after=after)
    return _closed(connection, held, f"{by} published it: {why}")


def discard(connection: sa.Connection, held_id: int, *, by: str, why: str) -> HeldDay:
    """Drop what was read for a held day, in the caller's transaction; the published numbers stand.

    The next read of the day is judged anew. Raises as `publish` does.
    """
    held = _open(connection, held_id, by, why)
    before = judging.published_numbers(store.read_day(connection, held.track, held.date))
    closing.close(connection, held_id, "discarded", by=by, why=why, before=before, after=before)
    return _closed(connection, held, f"{by} discarded it: {why}")


def _open(connection: sa.Connection, held_id: int, by: str, why: str) -> HeldDay:
    """The held day, under the lock of its day, after a check that it still waits for a decision."""
    if not why.strip():
        raise InvalidInput("say why; the reason is kept with the decision", field="reason")
    if not by.strip():
        raise InvalidInput("say who decides; the name is kept with the decision", field="by")
    held = held_store.find(connection, held_id)
    if held is None:
        raise NotFound(f"there is no held day {held_id}; `calling-pipeline stats held list` shows those there are")
    locks.hold(connection, "call_stats", held.track, held.date)
    held = held_store.find(connection, held_id)
    assert held is not None, "held days are deleted with the call records of their day, long after"
    if held.state != "open":
        by = f" by {held.closed_by}" if held.closed_by else ""
        raise Conflict(f"held day {held_id} was {held.state}{by} at {held.closed_at:%Y-%m-%d %H:%M}")
    return held


def _published_proof(held: HeldDay, by: str, why: str) -> FetchProof:
    warnings = [*held.reasons, {"rule": "published_by", "sentence": f"published in spite of this by {by}: {why}"}]
    return replace(held_store.proof_of(held), warnings=tuple(warnings), numbers=held.numbers)


def _publish_records(connection: sa.Connection, held_id: int, proof: FetchProof) -> None:
    """Replace the day's call records by those kept, and publish what they add up to."""
    sync_store.create_staging(connection)
    held_store.stage_records(connection, held_id)
    start: dt.datetime = days.day_bounds(proof.date)[0]
    sync_store.replace_day(connection, proof.date, since=None, settled=start)
    count = sync_store.count_day(connection, proof.date)
    sync_store.add_proof(connection, proof)
    publishing.publish_stored(connection, proof, count, elapsed_s=proof.elapsed_s)


def _closed(connection: sa.Connection, held: HeldDay, text: str) -> HeldDay:
    judging.note_decided(connection, held.track, held.date, text)
    decided = held_store.find(connection, held.id)
    assert decided is not None
    return decided
