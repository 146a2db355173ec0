"""The timetable of the two tracks, in Asia/Shanghai: which days are read when, and when a day is next refreshed. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from calling_pipeline import days
from calling_pipeline.call_stats.records import SyncType, Track

ACCEPTED_DELAY = dt.timedelta(minutes=15)
"""How long after its tick a sync may take to be stored before its numbers count as late."""

_DAYTIME = tuple(range(9, 24))
_EVERY_TEN = tuple(range(0, 60, 10))
_CORRECTIONS = (1, 10, 15, 21)


@dataclass(frozen=True)
class Entry:
    """One schedule: at `minutes` past every one of `hours` the window of `sync_type` is synced."""

    name: str
    track: Track
    sync_type: SyncType
    hours: tuple[int, ...]
    minutes: tuple[int, ...]

    @property
    def cron(self) -> str:
        """The same as a cron expression."""
        minutes = "*/10" if self.minutes == _EVERY_TEN else ",".join(map(str, self.minutes))
        hours = "9-23" if self.hours == _DAYTIME else ",".join(map(str, self.hours))
        return f"{minutes} {hours} * * *"

    @cached_property
    def times(self) -> tuple[dt.time, ...]:
        """Every time of the day it runs at, ascending."""
        return tuple(dt.time(hour, minute) for hour in self.hours for minute in self.minutes)

    def newest_tick(self, now: dt.datetime) -> dt.datetime:
        """The last tick by `now`."""
        today = days.day_of(now)
        ticks = (
            dt.datetime.combine(date, time, days.SHANGHAI)
            for date in (today, today - dt.timedelta(days=1))
            for time in reversed(self.times)
        )
        return next(tick for tick in ticks if tick <= now)

    def next_tick(self, now: dt.datetime) -> dt.datetime:
        """The first tick after `now`."""
        today = days.day_of(now)
        ticks = (
            dt.datetime.combine(date, time, days.SHANGHAI)
            for date in (today, today + dt.timedelta(days=1))
            for time in self.times
        )
        return next(tick for tick in ticks if tick > now)

    def covers(self, day: dt.date, tick: dt.datetime) -> bool:
        """Whether the sync that starts at `tick` reads `day`."""
        first, last = sync_window(self.sync_type, days.day_of(tick))
        return first <= day <= last


TIMETABLE: tuple[Entry, ...] = (
    Entry("task_stats_t10", "task", "long_historical", (7,), (0,)),
    Entry("task_stats_t3", "task", "historical", _CORRECTIONS, (0,)),
    Entry("task_stats_today", "task", "today", _DAYTIME, (0,)),
    Entry("grade_stats_t10", "grade", "long_historical", (7,), (5,)),
    Entry("grade_stats_t3", "grade", "historical", _CORRECTIONS, (5,)),
    Entry("grade_stats_today", "grade", "today", _DAYTIME, _EVERY_TEN),
)


def sync_window(sync_type: SyncType, today: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day a scheduled sync covers: T-10 … yesterday, T-3 … yesterday, or today alone."""
    yesterday = today - dt.timedelta(days=1)
    match sync_type:
        case "long_historical":
            return today - dt.timedelta(days=10), yesterday
        case "historical":
            return today - dt.timedelta(days=3), yesterday
        case "today" | "manual":
            return today, today


def next_sync_at(track: Track, day: dt.date, now: dt.datetime) -> dt.datetime | None:
    """When the timetable next refreshes that day's numbers, None when it never will again (the day is too old)."""
    start = max(now, days.day_bounds(day)[0])
    horizon = max(days.day_of(now), day) + dt.timedelta(days=11)
    for tick in _ticks(track, start, horizon):
        if tick[0] > now and tick[1].covers(day, tick[0]):
            return tick[0]
    return None


def last_sync_due(track: Track, day: dt.date, now: dt.datetime) -> dt.datetime | None:
    """The newest tick whose numbers of `day` should be stored by `now`, None when none was due yet within 11 days."""
    due = None
    for at, entry in _ticks(track, now - dt.timedelta(days=11), days.day_of(now)):
        if at + ACCEPTED_DELAY > now:
            break
        if entry.covers(day, at):
            due = at
    return due


def _ticks(track: Track, start: dt.datetime, last_day: dt.date) -> Iterator[tuple[dt.datetime, Entry]]:
    """Every tick of the track from `start` on to the end of `last_day`, in order."""
    entries = [entry for entry in TIMETABLE if entry.track == track]
    for date in days.day_range(days.day_of(start), max(last_day, days.day_of(start))):
        ticks = [(dt.datetime.combine(date, time, days.SHANGHAI), entry) for entry in entries for time in entry.times]
        yield from sorted((tick for tick in ticks if tick[0] >= start), key=lambda tick: tick[0])
