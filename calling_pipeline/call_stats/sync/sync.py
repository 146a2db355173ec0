"""Pulls days from Guanke and replaces them, each in one transaction and only after the whole day arrived."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import DayResult, FetchProof, Progress, Track
from calling_pipeline.call_stats.sync import publishing
from calling_pipeline.call_stats.sync import store as record_store
from calling_pipeline.call_stats.sync.plan import ReadPlan, full, plan_read
from calling_pipeline.call_stats.sync.staging import COLUMNS, Stager
from calling_pipeline.database import locks
from calling_pipeline.database.bulk import copy_stream
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError, ContractBreach, DaysFailed, IncompleteFetch
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import State, TaskDetails
from calling_pipeline.vendors.guanke.reading import Proof

if TYPE_CHECKING:
    from calling_pipeline.vendors.guanke.client import GuankeClient


@dataclasses.dataclass(frozen=True)
class Sync:
    """What all days of one sync share. `publishes` false: call records only, the caches are published by a later step."""

    engine: sa.Engine
    client: GuankeClient
    sync_type: str
    phone_key: bytes
    run_id: str
    progress: Progress | None = None
    publishes: bool = True


class _IncrementDisagrees(Exception):
    """The day's stored records do not add up to the vendor's total: the day must be read in full."""


def sync_days(
    engine: sa.Engine,
    client: GuankeClient,
    track: Track,
    wanted: Sequence[dt.date],
    *,
    sync_type: str,
    phone_key: bytes,
    progress: Progress | None = None,
    on_day: Callable[[DayResult], None] | None = None,
    run_id: str | None = None,
    publishes: bool = True,
) -> list[DayResult]:
    """Pull `wanted` days of one track and replace what is stored of them; `client` is opened and closed here.

    Each day is stored as soon as it has arrived and `on_day` is told. A day whose data are incomplete or outside the
    contract leaves its old numbers and does not keep the others from being synced; any other failure stops the sync.
    Raises the day's own error when one day was wanted, else `DaysFailed`.
    """
    sync = Sync(engine, client, sync_type, phone_key, run_id or uuid.uuid4().hex, progress, publishes)
    _note(sync, track, "pending", {"days": [day.isoformat() for day in wanted], "sync_type": sync_type})
    try:
        results = asyncio.run(_sync_all(sync, track, list(wanted), on_day))
    except CallingError as error:
        _note(sync, track, "failed", {"error": str(error)[:1000]})
        raise
    _note(sync, track, "completed", {"outcomes": {result.date.isoformat(): result.outcome for result in results}})
    return results


def _note(sync: Sync, track: Track, state: State, details: dict[str, Any]) -> None:
    """What the task ledger says about this sync."""
    with reachable(sync.engine) as connection, connection.begin():
        task = TaskDetails(f"sync:{track}:{sync.run_id}", "stats_sync", state, details=details, by="call_stats")
        save_task_details(connection, task)


async def _sync_all(
    sync: Sync, track: Track, wanted: list[dt.date], on_day: Callable[[DayResult], None] | None
) -> list[DayResult]:
    results: list[DayResult] = []
    failures: dict[dt.date, CallingError] = {}
    async with sync.client:
        for day in wanted:
            try:
                result = await (_sync_grade_day(sync, day) if track == "grade" else _sync_task_day(sync, day))
            except (IncompleteFetch, ContractBreach) as error:
                if len(wanted) == 1:
                    raise
                failures[day] = error
                continue
            results.append(result)
            if on_day is not None:
                on_day(result)
    if failures:
        told = "; ".join(f"{day}: {error}" for day, error in failures.items())
        raise DaysFailed(f"{len(failures)} of {len(wanted)} days failed, the others are stored. {told}", failures=failures)
    return results


async def _sync_grade_day(sync: Sync, day: dt.date) -> DayResult:
    with reachable(sync.engine) as connection:
        with connection.begin():
            last = record_store.latest_proof(connection, "grade", day)
            last_full = record_store.latest_proof(connection, "grade", day, mode="full")
        plan = plan_read(day, sync.sync_type, days.now(), last, last_full)
        try:
            return await _pull_calls(sync, connection, day, plan)
        except _IncrementDisagrees:
            return await _pull_calls(sync, connection, day, full(plan))


async def _pull_calls(sync: Sync, connection: sa.Connection, day: dt.date, plan: ReadPlan) -> DayResult:
    """One transaction: read into the staging table, then replace the day if no newer read was stored meanwhile."""
    began, started_at, stager, read = time.perf_counter(), days.now(), Stager(day, sync.phone_key), Proof()
    with connection.begin() as transaction:
        number = record_store.draw_fetch_number(connection)
        record_store.create_staging(connection)
        with copy_stream(connection, record_store.STAGING, COLUMNS) as write:
            for reading in sync.client.calls(plan.start, plan.end):
                async with aclosing(reading.pages()) as pages:
                    async for records in pages:
                        write(stager.lines(records))
                        if sync.progress is not None:
                            sync.progress(day, reading.proof.pages, reading.pages_expected)
                read = read + reading.proof
        _require_grades(read, day)
        whole = read.reported
        if plan.mode == "incremental":
            whole = await sync.client.count_calls(plan.day_start, plan.end)
        proof = FetchProof(
            fetch_number=number,
            track="grade",
            date=day,
            mode=plan.mode,
            sync_type=sync.sync_type,
            window_start=plan.start,
            window_end=plan.end,
            started_at=started_at,
            finished_at=days.now(),
            reported_total=whole,
            rows_fetched=read.fetched,
            distinct_ids=read.distinct,
            pages=read.pages,
            pages_read_again=read.pages_read_again,
            retries=read.retries,
            elapsed_s=0.0,
            outside_day=stager.outside_day,
            unknown_grades=dict(stager.unknown_grades.most_common(50)),
            new_fields=dict(read.new_fields),
            missing_fields=dict(read.missing_fields),
            run_id=sync.run_id,
        )
        result = await asyncio.to_thread(_store_calls, sync, connection, proof, plan, began)
        if result.outcome == "superseded":
            transaction.rollback()
        return result


def _store_calls(sync: Sync, connection: sa.Connection, proof: FetchProof, plan: ReadPlan, began: float) -> DayResult:
    """The whole day has arrived and is staged: replace, prove, publish. Runs in the open transaction."""
    day = proof.date
    locks.hold(connection, "call_stats", "grade", day)
    if record_store.newest_fetch_number(connection, "grade", day) > proof.fetch_number:
        return DayResult(day, "grade", "superseded", proof, store.read_grade_day(connection, day), _since(began))
    changes = record_store.replace_day(
        connection, day, since=plan.start if plan.mode == "incremental" else None, settled=plan.settled
    )
    stored = record_store.count_day(connection, day)
    if plan.mode == "incremental" and stored != proof.reported_total:
        raise _IncrementDisagrees
    proof = dataclasses.replace(
        proof,
        distinct_ids=stored,
        elapsed_s=_since(began),
        rows_added=changes.added,
        rows_changed=changes.changed,
        rows_removed=changes.removed,
        late_rows=changes.late if plan.mode == "full" else 0,
    )
    record_store.add_proof(connection, proof)
    if sync.publishes:
        publishing.publish_day(connection, day, elapsed_s=_since(began), proof=proof)
    return DayResult(
        day, "grade", "stored", proof, store.read_grade_day(connection, day) if sync.publishes else None, _since(began)
    )


async def _sync_task_day(sync: Sync, day: dt.date) -> DayResult:
    plan = plan_read(day, sync.sync_type, days.now(), None, None)
    with reachable(sync.engine) as connection:
        with connection.begin():
            number = record_store.draw_fetch_number(connection)
        began, started_at = time.perf_counter(), days.now()
        reading = sync.client.task_stats(day)
        tasks, calls, connected, successes = 0, 0, 0, 0
        async for rows in reading.pages():
            tasks += len(rows)
            calls += sum(row.calls for row in rows)
            connected += sum(row.connected for row in rows)
            successes += sum(row.successes for row in rows)
            if sync.progress is not None:
                sync.progress(day, reading.proof.pages, reading.pages_expected)
        proof = FetchProof(
            fetch_number=number,
            track="task",
            date=day,
            mode="full",
            sync_type=sync.sync_type,
            window_start=plan.start,
            window_end=plan.end,
            started_at=started_at,
            finished_at=days.now(),
            reported_total=reading.proof.reported,
            rows_fetched=reading.proof.fetched,
            distinct_ids=reading.proof.distinct,
            pages=reading.proof.pages,
            pages_read_again=reading.proof.pages_read_again,
            retries=reading.proof.retries,
            elapsed_s=_since(began),
            new_fields=dict(reading.proof.new_fields),
            missing_fields=dict(reading.proof.missing_fields),
            run_id=sync.run_id,
        )
        with connection.begin():
            return _store_tasks(connection, proof, tasks, calls, connected, successes)


def _store_tasks(
    connection: sa.Connection, proof: FetchProof, tasks: int, calls: int, connected: int, successes: int
) -> DayResult:
    day = proof.date
    locks.hold(connection, "call_stats", "task", day)
    if record_store.newest_fetch_number(connection, "task", day) > proof.fetch_number:
        return DayResult(day, "task", "superseded", proof, store.read_task_day(connection, day), proof.elapsed_s)
    record_store.add_proof(connection, proof)
    store.publish_task_day(
        connection,
        day,
        tasks=tasks,
        calls=calls,
        connected=connected,
        successes=successes,
        now=days.now(),
        sync_type=proof.sync_type,
        fetch_number=proof.fetch_number,
    )
    return DayResult(day, "task", "stored", proof, store.read_task_day(connection, day), proof.elapsed_s)


def _require_grades(read: Proof, day: dt.date) -> None:
    """A day without a single `grade` field would be published as a day without orders."""
    if read.fetched and read.missing_fields["grade"] >= read.fetched:
        raise ContractBreach(
            f"Guanke /task/cdr/all2 left the field grade out of all {read.fetched} records of {day};"
            " the old numbers stand, ask the vendor what replaced it",
            vendor="guanke",
            endpoint="/task/cdr/all2",
        )


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)
