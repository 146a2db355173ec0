"""SQL of the analyses of call statistics. It reads what is kept permanently and changes nothing."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.statistics.records import Period
from calling_pipeline.database.sql import load

_PERIOD = load("analysis/statistics/period")


def period_of(connection: sa.Connection, first: dt.date, last: dt.date) -> Period:
    """What the days from `first` to `last` add up to, and how many of them are known."""
    today = days.today()
    row = connection.execute(_PERIOD, {"first": first, "last": last, "today": today}).mappings().one()
    return Period(first=first, last=last, today=today, **row)


def period_before(connection: sa.Connection, first: dt.date, last: dt.date) -> Period:
    """The same of as many days right before `first`."""
    count = (last - first).days + 1
    return period_of(connection, first - dt.timedelta(days=count), first - dt.timedelta(days=1))
