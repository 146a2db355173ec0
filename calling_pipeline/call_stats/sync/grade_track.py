"""One day of the grade track: its call records are read, staged, judged, and replace the stored ones in one transaction."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.gate import Numbers, Read
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.records import DayResult, FetchProof
from calling_pipeline.call_stats.sync import judging, publishing
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.job import Stopwatch, SyncJob, fetch_proof
from calling_pipeline.call_stats.sync.judging import Verdict
from calling_pipeline.call_stats.sync.plan import ReadPlan, full, plan_read
from calling_pipeline.call_stats.sync.staging import COLUMNS, Stager
from calling_pipeline.call_stats.sync.store import DayCount
from calling_pipeline.contact_policy.erased.entering import Entrance
from calling_pipeline.database import locks
from calling_pipeline.database.bulk import copy_stream
from calling_pipeline.database.engine import reachable
from calling_pipeline.vendors.guanke.reading import ReadSummary, require_call_field

_UNKNOWN_GRADES_KEPT = 50
_COUNTED = ("grade_9", "grade_1", "dialled", "connected")


class _ReadInFull(Exception):
    """An incremental read does not add up to the vendor's total, or does not pass the gate: the day must be read in full."""


async def sync_grade_day(job: SyncJob, day: dt.date) -> DayResult:
    """Read and replace one day of call records, or hold what was read.

    Raises `IncompleteFetch` or `ContractBreach` when the day did not arrive whole, and the other errors of the vendor's
    client; the old records and numbers then stand.
    """
    with reachable(job.engine) as connection:
        with connection.begin():
            last = store.latest_proof(connection, "grade", day)
            last_full = store.latest_proof(connection, "grade", day, mode="full")
        plan = plan_read(day, job.sync_type, days.now(), last, last_full, full_read=job.full_read)
        try:
            return await _replace(job, connection, day, plan)
        except _ReadInFull:
            return await _replace(job, connection, day, full(plan))


async def _replace(job: SyncJob, connection: sa.Connection, day: dt.date, plan: ReadPlan) -> DayResult:
    """One transaction: read into the staging table, then replace the day if no newer read was stored first."""
    watch = Stopwatch()
    with connection.begin() as transaction:
        stager = Stager(day, job.phone_key, job.rules.words, Entrance(connection).erased)
        number = sync_store.draw_fetch_number(connection)
        sync_store.create_staging(connection)
        read = await _stage(job, connection, day, plan, stager)
        require_call_field(read, "grade", of=f"{read.fetched} records of {day}")
        if plan.mode == "incremental":
            read = replace(read, reported=await job.client.count_calls(plan.day_start, plan.end))
        proof = replace(
            fetch_proof(job, "grade", day, plan, read, number=number, started_at=watch.started_at, elapsed_s=0.0),
            outside_day=stager.outside_day,
            unknown_grades=dict(stager.unknown_grades.most_common(_UNKNOWN_GRADES_KEPT)),
        )
        return await asyncio.to_thread(_store_whole, transaction, job, connection, proof, plan, watch, stager.graded)


async def _stage(job: SyncJob, connection: sa.Connection, day: dt.date, plan: ReadPlan, stager: Stager) -> ReadSummary:
    """Stream every page of the plan's window into the staging table."""
    read = ReadSummary()
    with copy_stream(connection, sync_store.STAGING, COLUMNS) as write:
        for reading in job.client.calls(plan.start, plan.end):
            async with aclosing(reading.pages()) as pages:
                async for records in pages:
                    write(stager.lines(records))
                    if job.progress is not None:
                        job.progress(day, reading.summary.pages, reading.pages_expected)
            read = read + reading.summary
    return read


def _store_whole(transaction: sa.RootTransaction, job: SyncJob, connection: sa.Connection, *read: Any) -> DayResult:
    """Store the day and end the transaction, all in one thread.

    The event loop may be at work for another day meanwhile, and there wait for a lock that this transaction holds: it must
    not be needed to end it.
    """
    try:
        result = _store(job, connection, *read)
    except BaseException:
        transaction.rollback()
        raise
    if result.outcome == "superseded":
        transaction.rollback()
    else:
        transaction.commit()
    return result


def _store(
    job: SyncJob, connection: sa.Connection, proof: FetchProof, plan: ReadPlan, watch: Stopwatch, graded: int
) -> DayResult:
    """The whole day has arrived and is staged: replace, judge, prove, publish. Runs in the open transaction."""
    day = proof.date
    locks.hold(connection, "call_stats", "grade", day)
    if sync_store.newest_fetch_number(connection, "grade", day) > proof.fetch_number:
        return DayResult(day, "grade", "superseded", proof, store.read_grade_day(connection, day), watch.elapsed_s)
    with connection.begin_nested() as replacement:
        proof, count = _replace_records(connection, proof, plan)
        proof = replace(proof, elapsed_s=watch.elapsed_s)
        verdict = judging.judged(job, connection, _read(proof, count, graded))
        if verdict.held:
            if plan.mode == "incremental":
                raise _ReadInFull
            replacement.rollback()
    numbers = {"total_records": count.calls, **{name: getattr(count, name) for name in _COUNTED}}
    if verdict.held:
        return _hold(connection, proof, numbers, verdict, watch)
    proof = judging.prove(job, connection, proof, verdict, numbers, warnings_before=plan.warnings)
    with tracing.span("publish"):
        published = publishing.publish_stored(connection, proof, count, elapsed_s=watch.elapsed_s)
    return DayResult(day, "grade", "stored", proof, published, watch.elapsed_s, verdict.reasons)


def _replace_records(connection: sa.Connection, proof: FetchProof, plan: ReadPlan) -> tuple[FetchProof, DayCount]:
    """Make the stored records of the day those that were read, and count them; the proof says what that changed.

    Raises `_ReadInFull` when an increment does not complete the day.
    """
    since = plan.start if plan.mode == "incremental" else None
    changes = sync_store.replace_day(connection, proof.date, since=since, settled=plan.settled)
    count = sync_store.count_day(connection, proof.date)
    if plan.mode == "incremental" and (count.calls != proof.reported_total or proof.outside_day):
        raise _ReadInFull
    return replace(
        proof,
        distinct_ids=count.calls + proof.outside_day,
        dialled=count.dialled,
        connected=count.connected,
        rows_added=changes.added,
        rows_changed=changes.changed,
        rows_removed=changes.removed,
        late_rows=changes.late if plan.mode == "full" else 0,
    ), count


def _read(proof: FetchProof, count: DayCount, graded: int) -> Read:
    numbers = Numbers(count.calls, count.grade_9 + count.grade_1, count.dialled, count.connected)
    return Read(proof, numbers, graded)


def _hold(
    connection: sa.Connection, proof: FetchProof, numbers: Mapping[str, int], verdict: Verdict, watch: Stopwatch
) -> DayResult:
    """Keep what was read aside, with its records; the stored day is as it was."""
    before = store.read_grade_day(connection, proof.date)
    held_id = judging.hold_day(connection, proof, verdict.reasons, numbers, before)
    held_store.keep_records(connection, held_id)
    stats = store.read_grade_day(connection, proof.date)
    return DayResult(proof.date, "grade", "held", proof, stats, watch.elapsed_s, verdict.reasons)
