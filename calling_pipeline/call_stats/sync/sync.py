"""Syncs days of one track: each is replaced only after it has arrived whole, and the task ledger says how the sync went."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_stats.records import DayResult, Progress, Track
from calling_pipeline.call_stats.sync.grade_track import sync_grade_day
from calling_pipeline.call_stats.sync.job import SyncJob
from calling_pipeline.call_stats.sync.task_track import sync_task_day
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError, ContractBreach, DaysFailed, IncompleteFetch
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import State, TaskDetails
from calling_pipeline.vendors.guanke.client import GuankeClient


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
    """Read the `wanted` days of one track and replace what is stored of them; `client` is opened and closed here.

    Each day is stored as soon as it has arrived, and `on_day` is called with the result. A day whose data are incomplete or
    outside the contract keeps its old numbers, and the other days are synced nevertheless; any other failure ends the sync.
    Raises the day's own error when one day was wanted, else `DaysFailed`.
    """
    job = SyncJob(engine, client, sync_type, phone_key, run_id or uuid.uuid4().hex, progress, publishes)
    _note(job, track, "pending", {"days": [day.isoformat() for day in wanted], "sync_type": sync_type})
    try:
        results = asyncio.run(_sync_all(job, track, list(wanted), on_day))
    except CallingError as error:
        _note(job, track, "failed", {"error": str(error)[:1000]})
        raise
    _note(job, track, "completed", {"outcomes": {result.date.isoformat(): result.outcome for result in results}})
    return results


def _note(job: SyncJob, track: Track, state: State, details: dict[str, Any]) -> None:
    """Keep the state of this sync in the task ledger."""
    with reachable(job.engine) as connection, connection.begin():
        task = TaskDetails(f"sync:{track}:{job.run_id}", "stats_sync", state, details=details, by="call_stats")
        save_task_details(connection, task)


async def _sync_all(
    job: SyncJob, track: Track, wanted: list[dt.date], on_day: Callable[[DayResult], None] | None
) -> list[DayResult]:
    results: list[DayResult] = []
    failures: dict[dt.date, CallingError] = {}
    async with job.client:
        for day in wanted:
            try:
                result = await (sync_grade_day(job, day) if track == "grade" else sync_task_day(job, day))
            except (IncompleteFetch, ContractBreach) as error:
                if len(wanted) == 1:
                    raise
                failures[day] = error
                continue
            results.append(result)
            if on_day is not None:
                on_day(result)
    if failures:
        reasons = "; ".join(f"{day}: {error}" for day, error in failures.items())
        raise DaysFailed(
            f"{len(failures)} of {len(wanted)} days failed, the others are stored. {reasons}", failures=failures
        )
    return results
