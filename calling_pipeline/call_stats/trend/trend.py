"""The trend of orders and rates over days: means, the week before, and how each day stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.ranges.records import Standing
from calling_pipeline.call_stats.records import Track
from calling_pipeline.call_stats.timetable import last_sync_due
from calling_pipeline.call_stats.trend import store
from calling_pipeline.call_stats.trend.records import StoredDay, TrendDay

_WEEK = 7
ENOUGH_OF_A_WEEK = 4
"""Known days that a mean of seven needs."""
_NUMBERS = (
    "callout_number",
    "called_number",
    "success_number",
    "connected_rate",
    "total_records",
    "grade_9",
    "grade_1",
    "total_success",
)
_COMPARED = ("order_rate", "orders_mean_7", "connected_rate_mean_7", "orders_week_before", "under_way")


def read_trend(connection: sa.Connection, first: dt.date, last: dt.date) -> list[TrendDay]:
    """Every day from `first` to `last`, both included, oldest first; days of which nothing is known are marked."""
    found = store.stored_days(connection, first - dt.timedelta(days=_WEEK), last)
    return trend_of(found, days.now())[_WEEK:]


def trend_of(found: Sequence[StoredDay], now: dt.datetime) -> list[TrendDay]:
    """The trend of consecutive days, oldest first; the first seven have no week before them. Pure."""
    return [_day(found, place, now) for place in range(len(found))]


def trend_view(trend: Sequence[TrendDay]) -> list[dict[str, Any]]:
    """What the doors answer: one object per day."""
    return [
        {
            "date": one.stored.date,
            **{name: getattr(one.stored, name) for name in _NUMBERS},
            **{name: getattr(one, name) for name in _COMPARED},
            "standing": {"task": one.task, "grade": one.grade},
        }
        for one in trend
    ]


def _day(found: Sequence[StoredDay], place: int, now: dt.datetime) -> TrendDay:
    one, today = found[place], days.day_of(now)
    week = [day for day in found[max(0, place - _WEEK + 1) : place + 1] if day.date < today]
    before = found[place - _WEEK] if place >= _WEEK else None
    return TrendDay(
        stored=one,
        task=_standing(one, "task", now),
        grade=_standing(one, "grade", now),
        under_way=one.date >= today,
        order_rate=round(100 * (one.total_success or 0) / one.total_records, 2) if one.total_records else None,
        orders_mean_7=_mean(week, lambda day: day.total_success),
        connected_rate_mean_7=_mean(week, lambda day: day.connected_rate),
        orders_week_before=before.total_success if before is not None else None,
    )


def _mean(week: Sequence[StoredDay], number: Callable[[StoredDay], float | None]) -> float | None:
    known = [value for value in map(number, week) if value is not None]
    return round(sum(known) / len(known), 2) if len(known) >= ENOUGH_OF_A_WEEK else None


def _standing(one: StoredDay, track: Track, now: dt.datetime) -> Standing:
    """One word for the day of a track, the gravest that is true: as `ranges.views.standing_of` says of a range."""
    cached, complete, held, failed = (
        (one.task_cached, one.task_complete, one.task_held, one.task_failed)
        if track == "task"
        else (one.grade_cached, one.grade_complete, one.grade_held, one.grade_failed)
    )
    if held:
        return "held"
    if cached:
        return "complete" if complete else "incomplete"
    if (one.callout_number if track == "task" else one.total_records) is not None:
        return "kept"
    over = one.date < days.day_of(now)
    return "missing" if over or failed or last_sync_due(track, one.date, now) else "not due"
