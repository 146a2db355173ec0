"""The periods of reports: what a name means, what a period is compared with, and what its report still waits for. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from calling_pipeline import days
from calling_pipeline.analysis.records import Note
from calling_pipeline.call_stats.ranges.records import RangeDay
from calling_pipeline.call_stats.timetable import last_sync_due
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports.records import KINDS, Period, ReportKind

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_FORMS = {"daily": "2026-11-29", "weekly": "2026-W48", "monthly": "2026-11"}
_TRACK_NAMES = ("task", "grade")


def kind_of(text: str) -> ReportKind:
    """The kind of that name. Raises `InvalidInput`."""
    if text not in KINDS:
        raise InvalidInput(f"there is no report {text[:40]!r}; there are: {', '.join(KINDS)}", field="kind")
    return text


def containing(kind: ReportKind, day: dt.date) -> Period:
    """The day itself, its ISO week or its month."""
    if kind == "daily":
        return Period(kind, day, day)
    if kind == "weekly":
        monday = day - dt.timedelta(days=day.weekday())
        return Period(kind, monday, monday + dt.timedelta(days=6))
    first = day.replace(day=1)
    return Period(kind, first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1))


def named(kind: ReportKind, text: str, today: dt.date) -> Period:
    """The period of a label, of a day within it, or `last`: the newest that is over. Raises `InvalidInput`."""
    if text in ("last", ""):
        return before(containing(kind, today))
    day = _day_in(kind, text)
    if day is None:
        raise InvalidInput(
            f"period {text[:40]!r} is none of a {kind} report; write it as {_FORMS[kind]}, a day in it, or last",
            field="period",
        )
    return containing(kind, day)


def before(period: Period) -> Period:
    """The period right before."""
    return containing(period.kind, period.first - dt.timedelta(days=1))


def after(period: Period) -> Period:
    """The period right after."""
    return containing(period.kind, period.last + dt.timedelta(days=1))


def compared(period: Period) -> Period:
    """What the period is compared with: of a day the same weekday of the week before, else the period before."""
    if period.kind == "daily":
        return containing("daily", period.first - dt.timedelta(days=7))
    return before(period)


def ends_at(period: Period) -> dt.datetime:
    """The first instant after the period."""
    return days.day_bounds(period.last)[1]


def deadline(period: Period, hours: float) -> dt.datetime:
    """When the report is made though days of it are missing: so many hours after the period's end."""
    return ends_at(period) + dt.timedelta(hours=hours)


def waits(period: Period, found: Sequence[RangeDay], now: dt.datetime) -> tuple[Note, ...]:
    """What the report waits for, empty when its days are complete; each note names a track and its days.

    A day is complete when it is cached by a whole read that is not held, began after the day's end and answers the newest
    sync that was due. A day that the caches have let go is taken as it was kept.
    """
    if now < ends_at(period):
        return (Note("not_over", {"last": period.last}, "warning"),)
    reasons: dict[tuple[str, str], list[dt.date]] = {}
    for one in found:
        why = _lacks(one, now)
        if why:
            reasons.setdefault((one.track, why), []).append(one.date)
    ordered = sorted(reasons.items(), key=lambda item: (_TRACK_NAMES.index(item[0][0]), item[1][0]))
    return tuple(Note(f"waits_{why}", {"track": track, "days": lacking}, "warning") for (track, why), lacking in ordered)


def to_be_mended(lacking: Sequence[Note], known_from: dt.date | None) -> Sequence[Note]:
    """What of it a person may still see mended: days before the first that is known were never asked for.

    A new installation knows some days of a week or a month that began before it: the report says so, without an alert.
    """
    return [
        note for note in lacking
        if known_from is None or not note.values.get("days") or any(day >= known_from for day in note.values["days"])
    ]  # fmt: skip


def _lacks(one: RangeDay, now: dt.datetime) -> str:
    if one.held is not None:
        return "held"
    if one.cached is None:
        return "" if one.kept is not None else "missing"
    if not one.cached.complete:
        return "incomplete"
    end, due = days.day_bounds(one.date)[1], last_sync_due(one.track, one.date, now)
    if one.cached.calculated_at < max(end, due or end):
        return "sync"
    return ""


def _day_in(kind: ReportKind, text: str) -> dt.date | None:
    week, month = _WEEK.fullmatch(text), _MONTH.fullmatch(text)
    try:
        if week and kind == "weekly":
            return dt.date.fromisocalendar(int(week[1]), int(week[2]), 1)
        if month and kind == "monthly":
            return dt.date(int(month[1]), int(month[2]), 1)
        return days.day_asked(text)
    except (ValueError, InvalidInput):
        return None
