"""SQL that gathers what the checks judge, and which days the caches lack. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.quality import DayFacts
from calling_pipeline.call_stats.records import Track
from calling_pipeline.call_stats.tables import call_records, grade_stats_cache, task_stats_cache
from calling_pipeline.database.sql import load

_DAY_COUNTS = load("call_stats/facts/day_counts")
_CACHE_COUNTS = load("call_stats/facts/cache_counts")
_WEEK = dt.timedelta(days=7)
_CACHED_DATE: Mapping[Track, sa.Column[dt.date]] = {"grade": grade_stats_cache.c.date, "task": task_stats_cache.c.date}


def day_facts(connection: sa.Connection, day: dt.date) -> DayFacts:
    """Everything the checks need about one day."""
    start, next_day = days.day_bounds(day)
    counts = connection.execute(_DAY_COUNTS, {"day": day, "start": start, "next_day": next_day}).one()._mapping
    caches = connection.execute(_CACHE_COUNTS, {"day": day}).one()._mapping
    proof = store.latest_proof(connection, "grade", day)
    held, _ = store.read_notices(connection, "grade", day)
    return DayFacts(
        date=day,
        gathered_at=days.now(),
        **{name: int(value) for name, value in {**counts, **caches}.items()},
        week_before=_count_until(connection, day - _WEEK, (proof.window_end if proof else next_day) - _WEEK),
        grade=store.read_grade_day(connection, day),
        task=store.read_task_day(connection, day),
        proof=proof,
        full_proof=store.latest_proof(connection, "grade", day, mode="full"),
        held={reason["rule"]: reason["sentence"] for reason in held.reasons if reason["severity"] == "hold"} if held else {},
    )


def missing_days(connection: sa.Connection, track: Track, wanted: Sequence[dt.date]) -> list[dt.date]:
    """Those of `wanted` that the track's cache lacks."""
    if not wanted:
        return []
    date = _CACHED_DATE[track]
    cached = set(connection.execute(sa.select(date).where(date.between(min(wanted), max(wanted)))).scalars())
    return [day for day in wanted if day not in cached]


def _count_until(connection: sa.Connection, day: dt.date, until: dt.datetime) -> int:
    """Calls of `day` up to `until`."""
    query = sa.select(sa.func.count()).where(call_records.c.date == day, call_records.c.called_at <= until)
    return connection.execute(query).scalar_one()
