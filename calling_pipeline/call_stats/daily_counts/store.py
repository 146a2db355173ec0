"""SQL of the daily counts. It never commits: a day is counted in the transaction that publishes it.

Nothing deletes a day's counts but counting it anew: call records and caches go after weeks, these rows stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.daily_counts.tables import PARTS, counted_days
from calling_pipeline.database.sql import load

_COUNT_DAY = load("call_stats/daily_counts/count_day")
_SUMS_OF_DAY = load("call_stats/daily_counts/sums_of_day")
_UNCOUNTED_DAYS = load("call_stats/daily_counts/uncounted_days")


class Sums(NamedTuple):
    """What the counts of a day add up to."""

    calls: int
    orders: int


def count_day(connection: sa.Connection, day: dt.date, *, fetch_number: int) -> None:
    """Count the stored call records of `day` anew. The caller holds the day's lock and knows that they are whole."""
    for table in (*PARTS, counted_days):
        connection.execute(sa.delete(table).where(table.c.date == day))
    connection.execute(_COUNT_DAY, {"day": day, "fetch_number": fetch_number, "now": days.now()})


def counted_of(connection: sa.Connection, day: dt.date) -> int | None:
    """The read of which the day is counted, None when it is not."""
    c = counted_days.c
    return connection.execute(sa.select(c.fetch_number).where(c.date == day)).scalar_one_or_none()


def sums_of_day(connection: sa.Connection, day: dt.date) -> Mapping[str, Sums]:
    """What each table has of the day, by its name; zeros of one that has nothing."""
    rows = connection.execute(_SUMS_OF_DAY, {"day": day})
    return {row.part: Sums(int(row.calls or 0), int(row.orders or 0)) for row in rows}


def uncounted_days(connection: sa.Connection, *, most: int) -> Sequence[dt.date]:
    """Published days with call records that are not counted, or counted of an older read; newest first."""
    return connection.execute(_UNCOUNTED_DAYS, {"most": most}).scalars().all()
