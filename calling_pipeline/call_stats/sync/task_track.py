"""One day of the task track: the vendor's statistics by dialling task, added up and published."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.activity.noting import note
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.gate import Numbers, Read
from calling_pipeline.call_stats.records import DayResult, FetchProof, TaskSums
from calling_pipeline.call_stats.sync import judging
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.job import Stopwatch, SyncJob, fetch_proof
from calling_pipeline.call_stats.sync.plan import plan_read
from calling_pipeline.database import locks
from calling_pipeline.database.engine import reachable
from calling_pipeline.vendors.guanke.reading import Reading
from calling_pipeline.vendors.guanke.records import TaskStat


async def sync_task_day(job: SyncJob, day: dt.date) -> DayResult:
    """Read, add up and publish one day of task statistics.

    Raises `IncompleteFetch` or `ContractBreach` when the day did not arrive whole, and the other errors of the vendor's
    client; the old numbers then stand.
    """
    plan = plan_read(day, job.sync_type, days.now(), None, None)
    with reachable(job.engine) as connection:
        with connection.begin():
            number = sync_store.draw_fetch_number(connection)
        watch = Stopwatch()
        reading = job.client.task_stats(day)
        sums = await _add_up(job, day, reading)
        proof = fetch_proof(
            job,
            "task",
            day,
            plan,
            reading.summary,
            number=number,
            started_at=watch.started_at,
            elapsed_s=watch.elapsed_s,
        )
        with connection.begin():
            return _store(job, connection, proof, sums)


async def _add_up(job: SyncJob, day: dt.date, reading: Reading[TaskStat]) -> TaskSums:
    sums = TaskSums()
    async for rows in reading.pages():
        sums = TaskSums(
            sums.tasks + len(rows),
            sums.calls + sum(row.calls for row in rows),
            sums.connected + sum(row.connected for row in rows),
            sums.successes + sum(row.successes for row in rows),
        )
        if job.progress is not None:
            job.progress(day, reading.summary.pages, reading.pages_expected)
    return sums


def _store(job: SyncJob, connection: sa.Connection, proof: FetchProof, sums: TaskSums) -> DayResult:
    """The whole day has arrived: judge, prove and publish it, or hold it. Runs in the open transaction."""
    day = proof.date
    locks.hold(connection, "call_stats", "task", day)
    before = store.read_task_day(connection, day)
    if sync_store.newest_fetch_number(connection, "task", day) > proof.fetch_number:
        return DayResult(day, "task", "superseded", proof, before, proof.elapsed_s)
    verdict = judging.judged(job, connection, Read(proof, Numbers(sums.calls, sums.successes, sums.calls, sums.connected)))
    if verdict.held:
        judging.hold_day(connection, proof, verdict.reasons, asdict(sums), before)
        held = store.read_task_day(connection, day)
        return DayResult(day, "task", "held", proof, held, proof.elapsed_s, verdict.reasons)
    proof = judging.prove(job, connection, proof, verdict, asdict(sums))
    with tracing.span("publish"):
        sync_store.publish_task_day(connection, proof, sums, now=days.now())
    note(connection, "task_stats_cache", day)
    stats = store.read_task_day(connection, day)
    return DayResult(day, "task", "stored", proof, stats, proof.elapsed_s, verdict.reasons)
