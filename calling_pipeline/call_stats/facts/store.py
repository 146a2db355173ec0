"""SQL that gathers what the checks judge, and which days the caches lack. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.quality import DayFacts
from calling_pipeline.call_stats.recent import store as recent_store
from calling_pipeline.call_stats.records import TRACKS, FailedRead, HeldNotice, Track
from calling_pipeline.call_stats.tables import call_records, fetch_proofs, grade_stats_cache, task_stats_cache
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
    notices = {track: store.read_notices(connection, track, day) for track in TRACKS}
    held, _ = notices["grade"]
    return DayFacts(
        date=day,
        gathered_at=days.now(),
        **{name: int(value) for name, value in {**counts, **caches}.items()},
        week_before=_count_until(connection, day - _WEEK, (proof.window_end if proof else next_day) - _WEEK),
        grade=store.read_grade_day(connection, day),
        task=store.read_task_day(connection, day),
        proof=proof,
        full_proof=store.latest_proof(connection, "grade", day, mode="full"),
        grade_speed=recent_store.speed(connection, "grade", day),
        task_speed=recent_store.speed(connection, "task", day),
        held={reason["rule"]: reason["sentence"] for reason in held.reasons if reason["severity"] == "hold"} if held else {},
        unpublished={track: said for track, (kept, failed) in notices.items() if (said := _unpublished(kept, failed))},
    )


def _unpublished(held: HeldNotice | None, failed: FailedRead | None) -> str:
    """Why the newest read of a day is not published; empty when it is."""
    said = []
    if failed is not None:
        said.append(f"not read at {failed.failed_at:%Y-%m-%d %H:%M}: {failed.error}")
    if held is not None:
        reasons = "; ".join(reason["sentence"] for reason in held.reasons if reason["severity"] == "hold")
        said.append(f"held back at {held.held_at:%Y-%m-%d %H:%M}: {reasons}")
    return "; ".join(said)


def cached_days(connection: sa.Connection, track: Track, first: dt.date, last: dt.date) -> dict[dt.date, dt.datetime | None]:
    """The days from `first` to `last` that the track's cache holds, and when the newest read of each began."""
    date = _CACHED_DATE[track]
    same_day = sa.and_(fetch_proofs.c.track == track, fetch_proofs.c.date == date)
    joined = date.table.outerjoin(fetch_proofs, same_day)
    newest = sa.select(date, sa.func.max(fetch_proofs.c.started_at).label("read_at")).select_from(joined).group_by(date)
    return {row.date: row.read_at for row in connection.execute(newest.where(date.between(first, last)))}


def _count_until(connection: sa.Connection, day: dt.date, until: dt.datetime) -> int:
    """Calls of `day` up to `until`."""
    query = sa.select(sa.func.count()).where(call_records.c.date == day, call_records.c.called_at <= until)
    return connection.execute(query).scalar_one()
