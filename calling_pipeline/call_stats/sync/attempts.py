"""One attempt to read a day of a track: a failed one is kept, raises an alert, and says in one sentence what now stands."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline import days, measures, tracing
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import DayResult, Track
from calling_pipeline.call_stats.sync import judging
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.grade_track import sync_grade_day
from calling_pipeline.call_stats.sync.job import SyncJob
from calling_pipeline.call_stats.sync.task_track import sync_task_day
from calling_pipeline.call_stats.timetable import next_sync_at
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError, ContractBreach, InvalidInput, VendorAuthRefused, VendorError, VendorRefused

_log = logging.getLogger(__name__)


async def sync_day(job: SyncJob, track: Track, day: dt.date) -> DayResult:
    """Read and publish one day, or hold it.

    Raises what `sync_grade_day` and `sync_task_day` raise. A vendor's failure then names the day, what was kept and what to
    do; the attempt is kept, for readers to see until the day is read, and its alert raised.
    """
    begun = time.perf_counter()
    try:
        with tracing.span("day", track=track, day=day.isoformat()) as span:
            result = await (sync_grade_day(job, day) if track == "grade" else sync_task_day(job, day))
            span.note(outcome=result.outcome, rows=result.proof.rows_fetched)
        measures.count(measures.SYNC_READS, track, result.outcome)
        measures.count(measures.SYNC_ROWS, track, number=result.proof.rows_fetched)
        measures.observe(measures.SYNC_SECONDS, time.perf_counter() - begun, track)
        return result
    except InvalidInput:
        raise
    except Exception as error:
        measures.count(measures.SYNC_READS, track, "failed")
        await asyncio.to_thread(_note_failure, job, track, day, error)
        raise


def _note_failure(job: SyncJob, track: Track, day: dt.date, error: Exception) -> None:
    try:
        with reachable(job.engine) as connection, connection.begin():
            if isinstance(error, VendorError):
                error.args = (_sentence(connection, track, day, error), *error.args[1:])
            now = days.now()
            sync_store.note_failure(connection, track, day, error, sync_type=job.sync_type, run_id=job.run_id, now=now)
            judging.note_failed(connection, track, day, str(error))
    except (CallingError, SQLAlchemyError):
        _log.exception("that the %s track of %s could not be read is not kept", track, day)


def _sentence(connection: sa.Connection, track: Track, day: dt.date, error: VendorError) -> str:
    """Which day, what happened, what stands, what to do."""
    kept = store.read_day(connection, track, day)
    stands = f"the numbers of {kept.calculated_at:%Y-%m-%d %H:%M} stand" if kept else "no numbers of it are published"
    return f"{track} track, {day}: {error}; {stands}; {_advice(track, day, error)}"


def _advice(track: Track, day: dt.date, error: VendorError) -> str:
    command = f"`calling-pipeline stats sync --track {track} --from {day} --to {day}`"
    match error:
        case VendorAuthRefused():
            return f"then run {command}"
        case VendorRefused() | ContractBreach():
            return f"ask the vendor what changed, then run {command}"
    due = next_sync_at(track, day, days.now())
    again = f"it is read again at {due:%Y-%m-%d %H:%M}, or now by" if due else "read it again by"
    return f"{again} {command}"
