"""Deletes what has been kept long enough: cached days, and later the call records and fetch proofs. Idempotent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import sqlalchemy as sa

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

CACHES = tuple(table.name for table in (grade_stats_cache, task_stats_cache, agent_ranking, hourly_orders))
"""The tables that are kept as long as the caches are."""
RECORDS = call_records.name
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
    """The same as `prune`, each day of call records in a transaction of its own: a day may have hundreds of thousands."""
    _, recorded = first_kept_days(now.date(), cache_days=cache_days, record_days=record_days)
    removed = 0
    while True:
        with transaction() as connection:
            oldest = store.oldest_recorded_day(connection)
            if oldest is None or oldest >= recorded:
                break
            removed += store.delete_records(connection, oldest + dt.timedelta(days=1))
    with transaction() as connection:
        pruned = prune(connection, now=now, cache_days=cache_days, record_days=record_days)
    return replace(pruned, rows={**pruned.rows, "call_records": removed + pruned.rows["call_records"]})


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
