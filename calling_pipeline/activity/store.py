"""The SQL of work that Dagster does not show yet. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.records import Activity
from calling_pipeline.activity.tables import asset_activity
from calling_pipeline.database.sql import load

_UNREPORTED = load("activity/unreported")


def add(
    connection: sa.Connection, asset: str, day: dt.date | None, numbers: Mapping[str, int | float | str], by: str
) -> None:
    """Keep one piece of work until it is reported."""
    row = {"asset": asset, "day": day, "numbers": dict(numbers), "by": by, "noted_at": days.now()}
    connection.execute(asset_activity.insert().values(row))


def unreported(connection: sa.Connection, *, limit: int) -> list[Activity]:
    """What is still to be reported, one per asset and day, oldest work first."""
    return [Activity(**row) for row in connection.execute(_UNREPORTED, {"max_rows": limit}).mappings()]


def forget(connection: sa.Connection, reported: Activity) -> None:
    """Delete what was reported; work noted since stays."""
    t = asset_activity
    same = t.c.day.is_not_distinct_from(reported.day)
    connection.execute(t.delete().where(t.c.asset == reported.asset, same, t.c.id <= reported.last_id))
