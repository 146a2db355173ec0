"""SQL that reads several days at once, from the caches and from what is kept permanently. It changes nothing."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.history.store import read_history
from calling_pipeline.call_stats.ranges.records import AgentTotal, HourTotal, RangeDay, WeekdayHour
from calling_pipeline.call_stats.records import HistoryDay, Track
from calling_pipeline.call_stats.tables import daily_history, fetch_proofs
from calling_pipeline.database.sql import load

_AGENTS = load("call_stats/ranges/agents")
_HOURS = load("call_stats/ranges/hours")
_WEEKDAY_HOURS = load("call_stats/ranges/weekday_hours")


def read_range(connection: sa.Connection, track: Track, first: dt.date, last: dt.date) -> list[RangeDay]:
    """Every day from `first` to `last`, both included, oldest first; those of which nothing is known are among them."""
    kept = {one.date: one for one in read_history(connection, first, last) if _has(one, track)}
    return [
        RangeDay(one.date, track, one.stats, None if one.stats else kept.get(one.date), one.held, one.failed)
        for one in store.read_days(connection, track, first, last)
    ]


def first_kept_day(connection: sa.Connection) -> dt.date | None:
    """The oldest day whose numbers are kept, None before the first sync."""
    return connection.execute(sa.select(sa.func.min(daily_history.c.date))).scalar_one()


def first_read_at(
    connection: sa.Connection, first: dt.date = dt.date.min, last: dt.date = dt.date.max
) -> dt.datetime | None:
    """When any of these days, or any day at all, was read for the first time, None when no read of them is kept."""
    c = fetch_proofs.c
    tracked = (c.track.in_(("task", "grade")), c.date.between(first, last))  # as the index begins
    return connection.execute(sa.select(sa.func.min(c.finished_at)).where(*tracked)).scalar_one()


def agents_of(connection: sa.Connection, first: dt.date, last: dt.date, *, limit: int = 1000) -> list[AgentTotal]:
    """The agents of these days together, best first; days that the caches have let go are not in it."""
    rows = connection.execute(_AGENTS, {"first": first, "last": last, "max_rows": limit})
    return [AgentTotal(**row) for row in rows.mappings()]


def hours_of(connection: sa.Connection, first: dt.date, last: dt.date) -> list[HourTotal]:
    """The hours of these days together; days that the caches have let go are not in it."""
    return [HourTotal(**row) for row in connection.execute(_HOURS, {"first": first, "last": last}).mappings()]


def weekday_hours_of(connection: sa.Connection, first: dt.date, last: dt.date) -> list[WeekdayHour]:
    """The hours of each weekday of these days together; days that the caches have let go are not in it."""
    rows = connection.execute(_WEEKDAY_HOURS, {"first": first, "last": last})
    return [WeekdayHour(**row) for row in rows.mappings()]


def _has(kept: HistoryDay, track: Track) -> bool:
    return (kept.grade_fetch_number if track == "grade" else kept.task_fetch_number) is not None
