"""Syncs days of one track: each is replaced only after it has arrived whole, and the task ledger says how the sync went."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Self

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.records import DayResult, Progress, Track
from calling_pipeline.call_stats.sync.attempts import sync_day
from calling_pipeline.call_stats.sync.job import SyncJob, SyncRules
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline.database import partitions
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import (
    CallingError,
    DatabaseUnavailable,
    DaysFailed,
    VendorAuthRefused,
    VendorTimeout,
    VendorUnavailable,
)
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import State, TaskDetails
from calling_pipeline.vendors.guanke.client import GuankeClient

DAYS_AT_ONCE = 2
"""A day is read while the one before it is stored. More would not be faster: all days share the vendor's limit of pages in
flight, and each keeps its ids in memory."""
VENDOR_DOWN_AFTER = 3
"""So many days in a row that cannot be reached mean that the vendor is down: the days after them are not tried."""


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
    rules: SyncRules | None = None,
    full_read: bool = False,
    publish_held: bool = False,
    by: str = "",
) -> list[DayResult]:
    """Read the `wanted` days of one track and replace what is stored of them; `client` is opened and closed here.

    The publishing gate judges each day by `rules`; with `publish_held` what it would hold is published in the name of `by`.
    `full_read`: today is not read incrementally.
    The newest day comes first, and `DAYS_AT_ONCE` are under way while all goes well. Each day is stored as soon as it has
    arrived, and `on_day` is called with the result, in the order of the days. A day that fails keeps its old numbers and the
    other days are synced nevertheless, unless no other day can succeed: the vendor refuses the credentials, could not be
    reached for `VENDOR_DOWN_AFTER` days in a row, or the database is gone.
    Raises the day's own error when one day was wanted, else `DaysFailed`.
    """
    job = SyncJob(
        engine,
        client,
        sync_type,
        phone_key,
        run_id or uuid.uuid4().hex,
        progress,
        rules or SyncRules(),
        full_read,
        publish_held,
        by,
    )
    _note(job, track, "pending", {"days": [day.isoformat() for day in wanted], "sync_type": sync_type})
    try:
        if track == "grade":
            _make_partitions(engine, wanted)
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


def _make_partitions(engine: sa.Engine, wanted: Sequence[dt.date]) -> None:
    """Before the days are read, in a transaction of its own: in theirs it would keep others from making one for minutes."""
    with reachable(engine) as connection, connection.begin():
        partitions.make(connection, call_records.name, [day for day in wanted if day <= days.today()])


async def _sync_all(
    job: SyncJob, track: Track, wanted: list[dt.date], on_day: Callable[[DayResult], None] | None
) -> list[DayResult]:
    results: list[DayResult] = []
    failures: dict[dt.date, CallingError] = {}
    in_a_row: list[CallingError] = []
    async with job.client, _Ahead(job, track, sorted(wanted, reverse=True)) as ahead:
        while (day := ahead.begin(1 if in_a_row or not results else DAYS_AT_ONCE)) is not None:
            try:
                result = await ahead.end(day)
            except CallingError as error:
                if len(wanted) == 1:
                    raise
                failures[day] = error
                in_a_row.append(error)
                if _no_other_day_can_succeed(in_a_row):
                    ahead.stop()
                continue
            in_a_row.clear()
            results.append(result)
            if on_day is not None:
                on_day(result)
    if failures:
        raise _days_failed(wanted, failures, {result.date for result in results})
    return sorted(results, key=lambda result: result.date)


class _Ahead:
    """Days under way, in their order. What is under way when the block ends is waited for, unless it is cancelled itself."""

    def __init__(self, job: SyncJob, track: Track, wanted: Sequence[dt.date]) -> None:
        self._job, self._track = job, track
        self._waiting = list(wanted)
        self._flying: dict[dt.date, asyncio.Task[DayResult]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            for task in self._flying.values():
                task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)

    def begin(self, at_once: int) -> dt.date | None:
        """Begin days until so many are under way; the first of these, None when all are done."""
        while self._waiting and len(self._flying) < at_once:
            day = self._waiting.pop(0)
            self._flying[day] = asyncio.create_task(sync_day(self._job, self._track, day))
        return next(iter(self._flying), None)

    async def end(self, day: dt.date) -> DayResult:
        """Wait for the day. Raises its error."""
        try:
            return await self._flying[day]
        finally:
            del self._flying[day]

    def stop(self) -> None:
        """Begin no further day."""
        self._waiting.clear()


def _no_other_day_can_succeed(in_a_row: Sequence[CallingError]) -> bool:
    """Whether the failures since the last good day say that it is not the days that are bad."""
    if isinstance(in_a_row[-1], VendorAuthRefused | DatabaseUnavailable):
        return True
    newest = in_a_row[-VENDOR_DOWN_AFTER:]
    return len(newest) == VENDOR_DOWN_AFTER and all(isinstance(one, VendorUnavailable | VendorTimeout) for one in newest)


def _days_failed(wanted: Sequence[dt.date], failures: Mapping[dt.date, CallingError], done: Set[dt.date]) -> DaysFailed:
    """The error of a range: each bad day with its reason; days not tried failed for the reason that ended the sync."""
    untried = sorted(set(wanted) - set(failures) - done)
    reasons = "; ".join(f"{day}: {error}" for day, error in sorted(failures.items()))
    stopped = f"; not tried after that: {', '.join(map(str, untried))}" if untried else ""
    last = failures[min(failures)]
    return DaysFailed(
        f"{len(failures) + len(untried)} of {len(wanted)} days failed, the others are stored. {reasons}{stopped}",
        failures={**dict(sorted(failures.items())), **dict.fromkeys(untried, last)},
    )
