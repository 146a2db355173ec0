"""Deletes what has been kept long enough: cached days, and later the call records and fetch proofs. Idempotent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

_OLDER = {
    "grade_stats_cache": sa.text("DELETE FROM grade_stats_cache WHERE date < :first_kept"),
    "task_stats_cache": sa.text("DELETE FROM task_stats_cache WHERE date < :first_kept"),
    "agent_ranking": sa.text("DELETE FROM agent_ranking WHERE date < :first_kept"),
    "hourly_orders": sa.text("DELETE FROM hourly_orders WHERE date < :first_kept"),
}
_OLD_RECORDS = sa.text("DELETE FROM call_records WHERE date < :first_kept")
_OLD_PROOFS = sa.text("""
    DELETE FROM fetch_proofs AS proof
    WHERE proof.date < :first_kept
       OR (proof.started_at < :repeated_before AND EXISTS (
            SELECT FROM fetch_proofs AS newer
            WHERE newer.track = proof.track AND newer.date = proof.date AND newer.mode = proof.mode
              AND newer.fetch_number > proof.fetch_number)
           AND NOT EXISTS (SELECT FROM grade_stats_cache AS cached WHERE cached.fetch_number = proof.fetch_number)
           AND NOT EXISTS (SELECT FROM task_stats_cache AS cached WHERE cached.fetch_number = proof.fetch_number))
""")
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
    """Keep `cache_days` days of the caches and `record_days` (or as many, if that is more) of call records and proofs,
    today included."""
    cached = now.date() - dt.timedelta(days=cache_days - 1)
    recorded = min(cached, now.date() - dt.timedelta(days=record_days - 1))
    rows = {name: connection.execute(delete, {"first_kept": cached}).rowcount for name, delete in _OLDER.items()}
    rows["call_records"] = connection.execute(_OLD_RECORDS, {"first_kept": recorded}).rowcount
    proofs = {"first_kept": recorded, "repeated_before": now - PROOFS_KEPT}
    rows["fetch_proofs"] = connection.execute(_OLD_PROOFS, proofs).rowcount
    return Pruned(rows, cached, recorded)
