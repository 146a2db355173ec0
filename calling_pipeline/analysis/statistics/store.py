"""SQL of the analyses of call statistics. It reads what is kept permanently and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.statistics.records import By, Counted, Period
from calling_pipeline.database.sql import load

Row = Mapping[str, Any]
"""A key and its counts."""
_PERIOD = load("analysis/statistics/period")
_COUNTED = load("analysis/statistics/counted")
_WEEKDAY_HOURS = load("analysis/statistics/weekday_hours")


def _sums(counts: str, keys: str) -> sa.TextClause:
    return load("analysis/statistics/sums", counts=counts, keys=keys)


_SUMS: Mapping[By, sa.TextClause] = {
    "hour": _sums("daily_hours", "hour"),
    "province": _sums("daily_provinces", "province"),
    "task": _sums("daily_tasks", "task_id, task_name"),
}
_AGENTS = load("analysis/statistics/agents")


def period_of(connection: sa.Connection, first: dt.date, last: dt.date) -> Period:
    """What the days from `first` to `last` add up to, and how many of them are known."""
    today = days.today()
    row = connection.execute(_PERIOD, {"first": first, "last": last, "today": today}).mappings().one()
    return Period(first=first, last=last, today=today, **row)


def period_before(connection: sa.Connection, first: dt.date, last: dt.date) -> Period:
    """The same of as many days right before `first`."""
    count = (last - first).days + 1
    return period_of(connection, first - dt.timedelta(days=count), first - dt.timedelta(days=1))


def counted_of(connection: sa.Connection, first: dt.date, last: dt.date) -> Counted:
    """What the counted days from `first` to `last` add up to."""
    return Counted(**connection.execute(_COUNTED, {"first": first, "last": last}).mappings().one())


def counted_before(connection: sa.Connection, first: dt.date, last: dt.date) -> Counted:
    """The same of as many days right before `first`."""
    count = (last - first).days + 1
    return counted_of(connection, first - dt.timedelta(days=count), first - dt.timedelta(days=1))


def sums_by(connection: sa.Connection, by: By, first: dt.date, last: dt.date) -> Sequence[Row]:
    """The counts by hour, province or dialling task: its key, then `days` and the counts."""
    return [dict(row) for row in connection.execute(_SUMS[by], {"first": first, "last": last}).mappings().all()]


def agent_sums(
    connection: sa.Connection, periods: Sequence[tuple[dt.date, dt.date]], *, most: int
) -> tuple[Sequence[Row], int]:
    """The counts of each agent in each period, newest period first and ranked in it; at most `most`, and how many in all.

    The periods follow each other without a gap. Months that no period cuts are read as they are kept added up.
    """
    months_first, months_until = _whole_months(periods)
    values = {
        "starts": [first for first, _ in periods], "last": periods[-1][1], "most": most, "months_first": months_first,
        "months_until": months_until,
    }  # fmt: skip
    found = [dict(row) for row in connection.execute(_AGENTS, values).mappings().all()]
    return found, found[0]["total_rows"] if found else 0


def _whole_months(periods: Sequence[tuple[dt.date, dt.date]]) -> tuple[dt.date, dt.date]:
    """The first days of the first whole month and of the month after the last one; the day after all where one is cut."""
    after = periods[-1][1] + dt.timedelta(days=1)
    first, until = periods[0][0], after.replace(day=1)
    if first.day > 1:
        first = _month_after(first)
    cut = any(start.day > 1 for start, _ in periods[1:])
    return (after, after) if cut or first >= until else (first, until)


def _month_after(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def weekday_hours(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[Row]:
    """The counts of each hour of each weekday."""
    return [dict(row) for row in connection.execute(_WEEKDAY_HOURS, {"first": first, "last": last}).mappings().all()]
