"""SQL that gathers what the checks judge, and which days the caches lack. Never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.quality import DayFacts
from calling_pipeline.call_stats.records import Track
from calling_pipeline.call_stats.sync import store as record_store

_DAY_COUNTS = sa.text("""
    SELECT count(*) AS records, count(DISTINCT id) AS distinct_records,
        count(*) FILTER (WHERE order_yuan = 9) AS grade_9, count(*) FILTER (WHERE order_yuan = 1) AS grade_1,
        count(*) FILTER (WHERE call_state >= 1) AS dialled, count(*) FILTER (WHERE call_state = 2) AS connected,
        count(*) FILTER (WHERE called_at < :start OR called_at >= :end) AS outside_day
    FROM call_records WHERE date = :day
""")
_CACHE_COUNTS = sa.text("""
    SELECT (SELECT count(*) FROM grade_stats_cache WHERE date = :day) AS grade_rows,
        (SELECT count(*) FROM task_stats_cache WHERE date = :day) AS task_rows,
        (SELECT coalesce(sum(orders), 0) FROM agent_ranking WHERE date = :day) AS agent_orders,
        (SELECT coalesce(sum(calls), 0) FROM agent_ranking WHERE date = :day) AS agent_calls,
        (SELECT coalesce(sum(orders), 0) FROM hourly_orders WHERE date = :day) AS hourly_orders,
        (SELECT coalesce(sum(calls), 0) FROM hourly_orders WHERE date = :day) AS hourly_calls
""")
_WEEK_BEFORE = sa.text("SELECT count(*) FROM call_records WHERE date = :day AND called_at <= :until")
_WEEK = dt.timedelta(days=7)
_CACHED_GRADE_DAYS = sa.text("SELECT date FROM grade_stats_cache WHERE date BETWEEN :first AND :last")
_CACHED_TASK_DAYS = sa.text("SELECT date FROM task_stats_cache WHERE date BETWEEN :first AND :last")


def day_facts(connection: sa.Connection, day: dt.date) -> DayFacts:
    """Everything the checks need about one day."""
    start, end = days.day_bounds(day)
    counts = connection.execute(_DAY_COUNTS, {"day": day, "start": start, "end": end}).one()._mapping
    caches = connection.execute(_CACHE_COUNTS, {"day": day}).one()._mapping
    proof = record_store.latest_proof(connection, "grade", day)
    until = (proof.window_end if proof else end) - _WEEK
    week_before = connection.execute(_WEEK_BEFORE, {"day": day - _WEEK, "until": until}).scalar_one()
    return DayFacts(
        date=day,
        **{name: int(value) for name, value in {**counts, **caches}.items()},
        week_before=int(week_before),
        grade=store.read_grade_day(connection, day),
        task=store.read_task_day(connection, day),
        proof=proof,
        full_proof=record_store.latest_proof(connection, "grade", day, mode="full"),
    )


def missing_days(connection: sa.Connection, track: Track, wanted: Sequence[dt.date]) -> list[dt.date]:
    """Those of `wanted` (ascending) that the track's cache lacks."""
    query = _CACHED_GRADE_DAYS if track == "grade" else _CACHED_TASK_DAYS
    if not wanted:
        return []
    cached = set(connection.execute(query, {"first": min(wanted), "last": max(wanted)}).scalars())
    return [day for day in wanted if day not in cached]
