"""The publishing gate within a sync: what a day that was just read is compared with, and what becomes of one it holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import note_judgeable
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.call_stats import gate, store
from calling_pipeline.call_stats.gate import Known, Numbers, OtherRead, Read
from calling_pipeline.call_stats.held import closing
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.records import ASSETS, FetchProof, GradeDay, Reason, TaskDay, Track
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.job import SyncJob

_WEEKS = 4


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a read. `by_order`: it would be held, and whoever syncs has ordered to publish it."""

    reasons: tuple[Reason, ...]
    held: bool
    by_order: bool = False


def judged(job: SyncJob, connection: sa.Connection, read: Read) -> Verdict:
    """Judge a read. What a person lets pass, by order or by a decision before, is a warning."""
    reasons = gate.judge(read, _known(connection, read.proof), job.rules.gate)
    if not gate.holds(reasons):
        return Verdict(tuple(reasons), held=False)
    proof = read.proof
    known = job.publish_held or gate.accepted(reasons, held_store.published_reasons(connection, proof.track, proof.date))
    if not known:
        return Verdict(tuple(reasons), held=True)
    return Verdict(tuple(replace(reason, severity="warn") for reason in reasons), held=False, by_order=job.publish_held)


def prove(
    job: SyncJob,
    connection: sa.Connection,
    proof: FetchProof,
    verdict: Verdict,
    numbers: Mapping[str, Any],
    *,
    warnings_before: Sequence[Mapping[str, Any]] = (),
) -> FetchProof:
    """Keep the proof of a read that passed, with what readers are to be warned of, in the day's transaction.

    An older held read is closed, a failed attempt is over, and their alerts recover.
    """
    proof = replace(proof, warnings=_warnings(job, proof, verdict, warnings_before), numbers=dict(numbers))
    sync_store.add_proof(connection, proof)
    _note_good_read(connection, proof)
    if verdict.by_order:
        before = published_numbers(store.read_day(connection, proof.track, proof.date))
        held_id = held_store.hold(connection, proof, verdict.reasons, numbers=numbers, before=before, now=days.now())
        why = f"the sync {job.run_id} was ordered to publish what the gate holds"
        closing.close(connection, held_id, "published", by=_who(job), why=why, before=before, after=numbers)
    return proof


def _who(job: SyncJob) -> str:
    return job.by or f"run {job.run_id}"


def _warnings(
    job: SyncJob, proof: FetchProof, verdict: Verdict, before: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """An incremental read keeps the warnings from `before`: it has not seen those calls again."""
    found: list[Mapping[str, Any]] = [asdict(reason) for reason in verdict.reasons]
    if proof.mode == "incremental":
        known = {reason.rule for reason in verdict.reasons} | {"incremental_read"}
        found += [warning for warning in before if warning["rule"] not in known]
        found.append({"rule": "incremental_read", "sentence": _unseen(proof)})
    if verdict.by_order:
        found.append({"rule": "published_by", "sentence": f"published in spite of this by {_who(job)}"})
    return tuple(found)


def hold_day(
    connection: sa.Connection,
    proof: FetchProof,
    reasons: Sequence[Reason],
    numbers: Mapping[str, Any],
    before: GradeDay | TaskDay | None,
) -> int:
    """Keep the day aside and raise its alert; an older held read of the day is replaced. Returns the held day's id."""
    now = days.now()
    why = f"replaced by the read of {proof.started_at:%Y-%m-%d %H:%M}, which is held too"
    held_store.replace_open(connection, proof.track, proof.date, fetch_number=proof.fetch_number, why=why, now=now)
    held_id = held_store.hold(connection, proof, reasons, numbers=numbers, before=published_numbers(before), now=now)
    sync_store.note_read(connection, proof.track, proof.date, now=now)
    _observe_read(connection, proof)
    kept = f"the numbers of {before.calculated_at:%Y-%m-%d %H:%M} stand" if before else "no numbers of it are published"
    sentences = "; ".join(reason.sentence for reason in reasons if reason.severity == "hold")
    text = (
        f"{sentences}; {kept}. `calling-pipeline stats held publish {held_id} --reason …` publishes the read,"
        f" `… discard {held_id} …` drops it; a later read that passes replaces it"
    )
    title = f"the {proof.track} numbers of {proof.date} pass the publishing gate"
    _observe(connection, f"held:{proof.track}:{proof.date}", title, text, proof.track, proof.date)
    for asset in ASSETS[proof.track]:
        note_judgeable(connection, asset, proof.date)
    return held_id


def _note_good_read(connection: sa.Connection, proof: FetchProof) -> None:
    """The day was read and passed: an older held read is closed, a failed attempt is over, their alerts recover."""
    now = days.now()
    why = f"the read of {proof.started_at:%Y-%m-%d %H:%M} passed"
    track, day = proof.track, proof.date
    if held_store.replace_open(connection, track, day, fetch_number=proof.fetch_number, why=why, now=now) is not None:
        note_decided(connection, track, day, why)
    if sync_store.note_read(connection, track, day, now=now):
        _observe_read(connection, proof)


def note_failed(connection: sa.Connection, track: Track, day: dt.date, text: str) -> None:
    """Raise the alert that the newest attempt to read the day failed."""
    _observe(connection, f"read_failed:{track}:{day}", f"the {track} track of {day} can be read", text, track, day)
    for asset in ASSETS[track]:
        note_judgeable(connection, asset, day)


def note_decided(connection: sa.Connection, track: Track, day: dt.date, text: str) -> None:
    """No read of the day is held any more: its alert recovers."""
    conditions.resolve(connection, f"held:{track}:{day}", text)


def published_numbers(stats: GradeDay | TaskDay | None) -> dict[str, Any] | None:
    """The business numbers of a published day, None without one."""
    match stats:
        case GradeDay():
            return {"total_records": stats.total_records, "grade_9": stats.grade_9, "grade_1": stats.grade_1}
        case TaskDay():
            return {
                "tasks": stats.total_tasks,
                "calls": stats.callout_number,
                "connected": stats.called_number,
                "successes": stats.success_number,
            }
    return None


def _observe_read(connection: sa.Connection, proof: FetchProof) -> None:
    text = f"it was read at {proof.started_at:%Y-%m-%d %H:%M}"
    conditions.resolve(connection, f"read_failed:{proof.track}:{proof.date}", text)


def _observe(connection: sa.Connection, name: str, title: str, text: str, track: Track, day: dt.date) -> None:
    event = conditions.moment()
    conditions.observe(connection, Condition(name, True, "error", title, text, "call_stats", event, track, day))


def _unseen(proof: FetchProof) -> str:
    full = f" at {proof.full_read_at:%H:%M}" if proof.full_read_at else ""
    return (
        f"calls before {proof.window_start:%H:%M} were last read in full{full}: grades corrected since are not in these"
        " numbers; the first read of the next hour finds them"
    )


def _known(connection: sa.Connection, proof: FetchProof) -> Known:
    """What the read is compared with, in three or four short statements."""
    track, day = proof.track, proof.date
    published = store.read_day(connection, track, day)
    weeks = [day - dt.timedelta(weeks=number) for number in range(1, _WEEKS + 1)]
    hours = (proof.window_end + dt.timedelta(seconds=1) - days.day_bounds(day)[0]) / dt.timedelta(hours=1)
    weekdays = sync_store.weekdays_before(connection, track, weeks, until=hours)
    return Known(_numbers(published) if published else None, weekdays, _others(connection, track, day))


def _others(connection: sa.Connection, track: Track, day: dt.date) -> list[OtherRead]:
    """The other track's reads of the day: the published one, and a newer one that is held.

    A held read may show that both tracks changed alike; without a published one it is no measure of anything.
    """
    other: Track = "task" if track == "grade" else "grade"
    published = store.read_day(connection, other, day)
    if published is None or published.proof is None:
        return []
    reads = [OtherRead(_numbers(published), published.proof.started_at, published.proof.window_end)]
    held = held_store.open_day(connection, other, day) if published.held is not None else None
    if held is not None:
        proof = held_store.proof_of(held)
        reads.append(OtherRead(_held_numbers(other, held.numbers), proof.started_at, proof.window_end))
    return reads


def _numbers(stats: GradeDay | TaskDay) -> Numbers:
    if isinstance(stats, TaskDay):
        return Numbers(stats.callout_number, stats.success_number, stats.callout_number, stats.called_number)
    proof = stats.proof
    return Numbers(
        stats.total_records, stats.total_success, proof.dialled if proof else None, proof.connected if proof else None
    )


def _held_numbers(track: Track, numbers: Mapping[str, Any]) -> Numbers:
    if track == "task":
        return Numbers(numbers["calls"], numbers["successes"], numbers["calls"], numbers["connected"])
    orders = numbers["grade_9"] + numbers["grade_1"]
    return Numbers(numbers["total_records"], orders, numbers["dialled"], numbers["connected"])
