"""Deletes what has been kept long enough: cached days, and later the call records and fetch proofs. Idempotent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.held import store as held_store

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
    cached = now.date() - dt.timedelta(days=cache_days - 1)
    recorded = min(cached, now.date() - dt.timedelta(days=record_days - 1))
    rows = store.delete_cached_days(connection, cached)
    rows["call_records"] = store.delete_records(connection, recorded)
    rows["fetch_proofs"] = store.delete_proofs(connection, recorded, superseded_before=now - PROOFS_KEPT)
    rows["held_days"] = held_store.delete_held(connection, recorded)
    rows["failed_reads"] = store.delete_failed_reads(connection, recorded)
    return Pruned(rows, cached, recorded)
