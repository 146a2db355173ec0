"""What the doors show of several days: each as `views.day_view` shows one day, holes and kept days marked.

`standing` is one word for each day, `source` where its numbers come from. A day that only `daily_history` has kept is
complete as far as it was when it was published; its proof is gone, so `complete` is null.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import views
from calling_pipeline.call_stats.ranges import store
from calling_pipeline.call_stats.ranges.records import RangeDay, Standing
from calling_pipeline.call_stats.records import HistoryDay, Track
from calling_pipeline.call_stats.timetable import last_sync_due, next_sync_at

FIGURES: Mapping[Track, tuple[str, ...]] = {
    "task": ("total_tasks", "callout_number", "called_number", "success_number", "connected_rate"),
    "grade": ("total_records", "grade_9", "grade_1", "total_success"),
}
"""The columns of each track that are numbers of the day."""


def require_range(
    connection: sa.Connection, first: str, last: str, oldest: dt.date, *, options: tuple[str, str]
) -> list[dt.date]:
    """The days of a range given as text. `oldest` is the first day that may be read; the kept history may begin earlier.

    Raises `InvalidInput`, which names one of `options`, for what is no date or lies outside the days there are.
    """
    kept = store.first_kept_day(connection)
    begin = min(oldest, kept) if kept else oldest
    ends = [
        views.require_partition(days.day_asked(text, field=option), begin, field=option)
        for text, option in zip((first, last), options, strict=True)
    ]
    return days.day_range(*ends)


def range_view(connection: sa.Connection, track: Track, wanted: Sequence[dt.date]) -> list[dict[str, Any]]:
    """Every day of the range, oldest first, with the keys of `views.day_view`, `source` and `standing`."""
    began = time.perf_counter()
    found = store.read_range(connection, track, wanted[0], wanted[-1])
    elapsed_s, now = time.perf_counter() - began, days.now()
    return [_day(one, elapsed_s, now) for one in found]


def _day(one: RangeDay, elapsed_s: float, now: dt.datetime) -> dict[str, Any]:
    standing = standing_of(one, now)
    if one.cached is not None:
        return {"source": "cache", "standing": standing, **views.day_view(one.cached, from_cache=True, elapsed_s=elapsed_s)}
    return {
        "source": "history" if one.kept else None,
        "standing": standing,
        "date": one.date,
        **_numbers(one),
        "elapsed_time": round(elapsed_s, 4),
        "sync_elapsed_s": None,
        "from_cache": False,
        "complete": None if one.kept else False,
        "age_s": None,
        "next_sync_at": next_sync_at(one.track, one.date, now),
        "mode": None,
        "full_read_at": None,
        "warnings": [],
        "held": views.held_notice(one.held),
        "last_attempt": views.last_attempt(one.held, one.failed),
    }


def standing_of(one: RangeDay, now: dt.datetime) -> Standing:
    """One word for the day, the gravest that is true."""
    if one.held is not None:
        return "held"
    if one.cached is not None:
        return "complete" if one.cached.complete else "incomplete"
    if one.kept is not None:
        return "kept"
    over = one.date < days.day_of(now)
    return "missing" if over or one.failed or last_sync_due(one.track, one.date, now) else "not due"


def _numbers(one: RangeDay) -> dict[str, Any]:
    """The track's columns as the history has kept them; null where nothing is."""
    names, kept = FIGURES[one.track], one.kept
    when = ("calculated_at", "sync_type")
    if kept is None:
        return dict.fromkeys((*names, *when))
    return {name: _plain(getattr(kept, name)) for name in names} | {name: _of(kept, one.track, name) for name in when}


def _of(kept: HistoryDay, track: Track, name: str) -> Any:
    return getattr(kept, f"{track}_{name}")


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
