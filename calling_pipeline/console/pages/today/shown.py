"""What the first look shows of its facts: what needs a person and where it is mended, numbers with their change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calling_pipeline import addresses
from calling_pipeline.alerts.texts import what_to_do
from calling_pipeline.analysis.status.records import DayState, OpenAlert, Problem, Section, Status
from calling_pipeline.call_batches.batches.records import OpenBatch
from calling_pipeline.call_stats.recent.records import Comparison, ScheduledSync
from calling_pipeline.call_stats.records import HistoryDay, Track

FELL_PCT = 20.0
"""From here on a fall is marked."""
ALERTS_SHOWN = 5
_OUTBOXES: Mapping[str, str] = {"contracts": "/notifications", "technicians": "/notifications/technicians"}
_PAGES: Mapping[Section, str] = {
    "syncs": "/stats",
    "days": "/stats",
    "vendor": "/stats",
    "alerts": "/alerts",
    "batches": "/batches",
    "messages": "/notifications",
    "extensions": "/telephony",
    "dagster": "",
}
TREND_DAYS = 14
IN_HISTORY: Mapping[str, str] = {
    "calls": "total_records",
    "connected": "called_number",
    "grade_9": "grade_9",
    "grade_1": "grade_1",
}
"""A number of the page → its column of the daily history."""
NUMBERS = ("calls", "connected", "grade_9", "grade_1")
_TONES: Mapping[str, str] = {"good": "good", "bad": "bad", "held": "warn", "missing": "bad", "not due": "quiet"}


@dataclass(frozen=True)
class Need:
    """One thing that needs a person. `href` is where it is mended: a page of ours, or empty for Dagster's own."""

    problem: Problem
    href: str


@dataclass(frozen=True)
class Number:
    """One number beside the same weekday of the week before. `change_pct` is None where there is nothing to compare."""

    key: str
    value: int | None
    before: int | None

    @property
    def change_pct(self) -> float | None:
        """By how much it changed, as a percentage of the week before."""
        if self.value is None or not self.before:
            return None
        return 100 * (self.value - self.before) / self.before

    @property
    def trend(self) -> str:
        """`more`, `fewer`, `same`, or `unknown` where there is nothing to compare."""
        change = self.change_pct
        if change is None:
            return "unknown"
        return "more" if change > 0 else "fewer" if change < 0 else "same"

    @property
    def tone(self) -> str:
        """A large fall is marked; a number is never good or bad by itself."""
        return "warn" if (self.change_pct or 0) <= -FELL_PCT else ""


@dataclass(frozen=True)
class Numbers:
    """A day's numbers. `hours` is 24 for a day that is over."""

    date: dt.date
    against: dt.date
    hours: int
    numbers: Sequence[Number]
    href: str


@dataclass(frozen=True)
class ShownDay:
    """One day of a track."""

    state: DayState
    tone: str
    href: str


@dataclass(frozen=True)
class TrackDays:
    """The last days of a track, newest first, and its newest and next sync."""

    track: Track
    days: Sequence[ShownDay]
    read_at: dt.datetime | None
    next_at: dt.datetime


@dataclass(frozen=True)
class ShownAlert:
    """An open alert with what to do about it."""

    alert: OpenAlert
    headline: str
    advice: str
    href: str


@dataclass(frozen=True)
class FirstLook:
    """The page."""

    found: Status
    needs: Sequence[Need]
    numbers: Sequence[Numbers]
    tracks: Sequence[TrackDays]
    alerts: Sequence[ShownAlert]
    more_alerts: int
    batches: Sequence[tuple[OpenBatch, str]]
    messages: Sequence[tuple[str, Mapping[str, int], str]]

    @property
    def daemon_age_s(self) -> float | None:
        """How long ago the daemon that was silent longest was heard of; None when none ever was."""
        return max((beat.age_s for beat in self.found.dagster.heartbeats), default=None)


def first_look(found: Status) -> FirstLook:
    """The page of these facts."""
    return FirstLook(
        found=found,
        needs=[Need(one, place_of(one)) for one in found.problems],
        numbers=[_numbers(one) for one in reversed(found.numbers)],
        tracks=[_track(found, track) for track in dict.fromkeys(one.track for one in found.syncs)],
        alerts=[_alert(one) for one in found.alerts[:ALERTS_SHOWN]],
        more_alerts=max(0, len(found.alerts) - ALERTS_SHOWN),
        batches=[(one, addresses.of_batch(one.id)) for one in found.batches],
        messages=[(name, counts, _OUTBOXES.get(name, "/notifications")) for name, counts in found.messages.items()],
    )


def trend(history: Sequence[HistoryDay], last: dt.date, key: str) -> list[int | None]:
    """The number `key` of the `TREND_DAYS` days up to `last`; None of a day that was never read."""
    known = {day.date: getattr(day, IN_HISTORY[key]) for day in history}
    return [known.get(last - dt.timedelta(days=back)) for back in reversed(range(TREND_DAYS))]


def place_of(problem: Problem) -> str:
    """The page of the console where the problem is mended; empty where only Dagster's own pages help."""
    about = problem.about
    match problem.section:
        case "syncs" | "days" | "vendor" if about:
            return addresses.of_day(about)
        case "batches" if about:
            return addresses.of_batch(about)
        case "messages" if about:
            return addresses.of_messages(*about.split(":"))
        case section:
            return _PAGES[section]


def _numbers(one: Comparison) -> Numbers:
    values = [Number(key, getattr(one, key), getattr(one, f"{key}_before")) for key in NUMBERS]
    return Numbers(one.date, one.against, one.hours, values, addresses.of_day(one.date))


def _track(found: Status, track: Track) -> TrackDays:
    syncs: list[ScheduledSync] = [one for one in found.syncs if one.track == track]
    days = [ShownDay(one, _TONES[one.condition], addresses.of_day(one.date)) for one in found.days if one.track == track]
    read_at = next((one.finished_at for one in found.vendor if one.track == track), None)
    return TrackDays(track, days, read_at, min(one.next_at for one in syncs))


def _alert(alert: OpenAlert) -> ShownAlert:
    return ShownAlert(
        alert, f"Failing: {alert.title}", what_to_do(alert.name.partition(":")[0]), addresses.of_alert(alert.id)
    )
