"""What happened to the stats lately: the timetable's newest syncs, the vendor's speed, a day beside the week before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from calling_pipeline.call_stats.records import Mode, SyncType, Track

SyncState = Literal["done", "under way", "late"]
"""`under way`: not all days are read yet, and the time a sync may take is not over. `late`: it is over."""


@dataclass(frozen=True)
class Read:
    """One stored read of one day, by its fetch proof."""

    track: Track
    date: dt.date
    started_at: dt.datetime
    finished_at: dt.datetime


@dataclass(frozen=True)
class ScheduledSync:
    """The newest tick of one schedule and what was read of its window since, by whichever door.

    `duration_s`: from the beginning of the first of these reads to the end of the last; None before the first. `next_at`:
    the tick after this one.
    """

    schedule: str
    track: Track
    sync_type: SyncType
    due_at: dt.datetime
    state: SyncState
    days_due: int
    days_read: int
    days_not_read: tuple[dt.date, ...]
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    duration_s: float | None
    next_at: dt.datetime


@dataclass(frozen=True)
class Speed:
    """How fast the vendor was in one read of a day, and what is usual.

    `page_s`: seconds per page of this read, `read_s`: of the whole. `usual_page_s` and `usual_read_s` are the medians of the
    `compared` reads of the same track and mode before it; None when there was none.
    """

    track: Track
    date: dt.date
    mode: Mode
    finished_at: dt.datetime
    pages: int
    page_s: float
    read_s: float
    compared: int
    usual_page_s: float | None
    usual_read_s: float | None


@dataclass(frozen=True)
class Comparison:
    """A day beside the same weekday of the week before; the grade dimension counts both.

    `hours`: the whole hours compared, counted from midnight; 24 for a day that is over. None stands for a day not cached.
    `orders` are those of 9 and of 1 yuan together.
    """

    date: dt.date
    against: dt.date
    hours: int
    calls: int | None
    calls_before: int | None
    connected: int | None
    connected_before: int | None
    grade_9: int | None
    grade_9_before: int | None
    grade_1: int | None
    grade_1_before: int | None
    orders: int | None
    orders_before: int | None
