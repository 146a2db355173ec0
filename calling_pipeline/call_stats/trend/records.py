"""The trend of days: the kept numbers of both tracks, how each day stands, and what it is compared with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from calling_pipeline.call_stats.ranges.records import Standing


@dataclass(frozen=True)
class StoredDay:
    """One day as it is stored. Numbers as in `daily_history`, None of a track that never read the day.

    `*_cached`: the cache still has the day; `*_complete`: by its fetch proof; `*_held`: a newer read is held;
    `*_failed`: the newest attempt failed.
    """

    date: dt.date
    callout_number: int | None
    called_number: int | None
    success_number: int | None
    connected_rate: float | None
    total_records: int | None
    grade_9: int | None
    grade_1: int | None
    total_success: int | None
    task_cached: bool
    grade_cached: bool
    task_complete: bool
    grade_complete: bool
    task_held: bool
    grade_held: bool
    task_failed: bool
    grade_failed: bool


@dataclass(frozen=True)
class TrendDay:
    """One day of a trend; `stored` has its numbers.

    `order_rate`: orders of a hundred call records. `orders_mean_7`, `connected_rate_mean_7`: over the seven days up to this
    one, of those that are known and over; None with fewer than four. `orders_week_before`: of the same weekday.
    `under_way`: the day is not over, so it is in no mean.
    """

    stored: StoredDay
    task: Standing
    grade: Standing
    under_way: bool
    order_rate: float | None
    orders_mean_7: float | None
    connected_rate_mean_7: float | None
    orders_week_before: int | None
