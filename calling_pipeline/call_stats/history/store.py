"""SQL of the history of daily numbers. It never commits: a day enters in the transaction that publishes its cache.

Nothing deletes from `daily_history`: the caches are pruned after weeks, these rows stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.records import HistoryDay, Track
from calling_pipeline.call_stats.tables import daily_history
from calling_pipeline.database.sql import load

_KEEP: Mapping[Track, sa.TextClause] = {
    "task": load("call_stats/history/keep_task_day"),
    "grade": load("call_stats/history/keep_grade_day"),
}


def keep_day(connection: sa.Connection, track: Track, day: dt.date) -> None:
    """Copy what the track's cache holds of `day` into the history; without a cached row, or with an older one, nothing."""
    connection.execute(_KEEP[track], {"day": day, "now": days.now()})


def read_history(connection: sa.Connection, first: dt.date, last: dt.date) -> list[HistoryDay]:
    """The kept days from `first` to `last`, both included, oldest first; a day that was never read is not among them."""
    query = sa.select(daily_history).where(daily_history.c.date.between(first, last)).order_by(daily_history.c.date)
    return [HistoryDay(**row) for row in connection.execute(query).mappings()]


def read_weekdays(connection: sa.Connection, day: dt.date, *, weeks: int = 4) -> list[HistoryDay]:
    """The same weekday of the `weeks` weeks before `day`, newest first; a day that was never read is not among them."""
    wanted = [day - dt.timedelta(weeks=n) for n in range(1, weeks + 1)]
    query = sa.select(daily_history).where(daily_history.c.date.in_(wanted)).order_by(daily_history.c.date.desc())
    return [HistoryDay(**row) for row in connection.execute(query).mappings()]
