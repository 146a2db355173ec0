"""SQL that reads the days of a trend in one statement. It changes nothing."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.call_stats.trend.records import StoredDay
from calling_pipeline.database.sql import load

_DAYS = load("call_stats/trend/days")


def stored_days(connection: sa.Connection, first: dt.date, last: dt.date) -> list[StoredDay]:
    """Every day from `first` to `last`, both included, oldest first, known or not."""
    return [StoredDay(**row) for row in connection.execute(_DAYS, {"first": first, "last": last}).mappings()]
