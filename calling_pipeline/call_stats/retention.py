"""Deletes what has been kept long enough: cached days, and later the call records and fetch proofs. Idempotent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import sqlalchemy as sa
import stamina

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.tables import (
    agent_ranking,
    call_records,
    grade_stats_cache,
    hourly_orders,
    task_stats_cache,
)
from calling_pipeline.database import partitions
from calling_pipeline.errors import Busy

CACHES = tuple(table.name for table in (grade_stats_cache, task_stats_cache, agent_ranking, hourly_orders))
"""The tables that are kept as long as the caches are."""
RECORDS = call_records.name
DAYS_AHEAD = 7
"""For so many days from today on the partitions of call records are there before they are needed."""
DROP_TRIES = 5
PROOFS_KEPT = dt.timedelta(days=14)
"""How long the proofs of superseded reads are kept; the newest of each day live as long as its call records."""


@dataclass(frozen=True)
class Pruned:
    """Rows deleted, by table, and the first days that were kept."""

    rows: dict[str, int]
    first_cached_day: dt.date
    first_recorded_day: dt.date

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def prune(connection: sa.Connection, *, now: dt.datetime, cache_days: int, record_days: int) -> Pruned:
    """Keep `cache_days` days of the caches and `record_days` of call records and proofs, today included.

    Call records are never kept for fewer days than the caches.
    """
    cached, recorded = first_kept_days(now.date(), cache_days=cache_days, record_days=record_days)
    rows = store.delete_cached_days(connection, cached)
    rows["call_records"] = store.delete_records(connection, recorded)
    rows["fetch_proofs"] = store.delete_proofs(connection, recorded, superseded_before=now - PROOFS_KEPT)
    rows["held_days"] = held_store.delete_held(connection, recorded)
    rows["day_refreshes"] = refreshes.delete_refreshes(connection, recorded)
    rows["failed_reads"] = store.delete_failed_reads(connection, recorded)
    return Pruned(rows, cached, recorded)


def prune_by_day(
    transaction: Callable[[], AbstractContextManager[sa.Connection]], *, now: dt.datetime, cache_days: int, record_days: int
) -> Pruned:
    """The same as `prune`, each day of call records in a transaction of its own; partitions of the next days are made.

    Raises `Busy` when the table of call records stays in use; what was deleted until then stays deleted.
    """
    with transaction() as connection:
        partitions.make(connection, RECORDS, partitions.ahead(days.day_of(now), DAYS_AHEAD))
    _, recorded = first_kept_days(now.date(), cache_days=cache_days, record_days=record_days)
    removed = 0
    while (deleted := _delete_oldest_day(transaction, recorded)) is not None:
        removed += deleted
    with transaction() as connection:
        pruned = prune(connection, now=now, cache_days=cache_days, record_days=record_days)
    return replace(pruned, rows={**pruned.rows, "call_records": removed + pruned.rows["call_records"]})


def _delete_oldest_day(transaction: Callable[[], AbstractContextManager[sa.Connection]], recorded: dt.date) -> int | None:
    """The rows deleted, None when no day before `recorded` is left. Tries again while the table is in use."""
    for attempt in stamina.retry_context(on=Busy, attempts=DROP_TRIES, wait_initial=0.5, timeout=None):
        with attempt, transaction() as connection:
            oldest = store.oldest_recorded_day(connection)
            if oldest is None or oldest >= recorded:
                return None
            return store.delete_records(connection, oldest + dt.timedelta(days=1))
    raise AssertionError("unreachable: the last attempt returns or raises")


def first_kept_days(today: dt.date, *, cache_days: int, record_days: int) -> tuple[dt.date, dt.date]:
    """The first days whose caches, and whose call records, are kept on `today`."""
    cached = today - dt.timedelta(days=cache_days - 1)
    return cached, min(cached, today - dt.timedelta(days=record_days - 1))


def notice(wanted: Sequence[dt.date], today: dt.date, *, cache_days: int, record_days: int) -> str | None:
    """What will not stay of days that are about to be read, as a sentence; None when all of it stays for now."""
    cached, recorded = first_kept_days(today, cache_days=cache_days, record_days=record_days)
    old = sorted(day for day in wanted if day < cached)
    if not old:
        return None
    span = str(old[0]) if len(old) == 1 else f"{len(old)} days ({old[0]} … {old[-1]})"
    gone = "caches and call records" if old[-1] < recorded else "caches"
    also = f"; call records of days before {recorded} go too" if old[0] < recorded <= old[-1] else ""
    return (
        f"{span}: older than the {cache_days} days that the caches are kept. The next housekeeping deletes their {gone}"
        f"{also}; daily_history keeps the days' numbers"
    )
