"""Calling hours, pure: whether an instant is inside them, and when they open next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from calling_pipeline import days
from calling_pipeline.contact_policy.records import Hours, Policy, Rule

HORIZON_DAYS = 400


def refusal(policy: Policy, at: dt.datetime) -> Rule | None:
    """`hours` or `holiday` when the policy's hours forbid `at`, else None."""
    if policy.hours is None and not policy.closed_on_holidays:
        return None
    local = at.astimezone(days.SHANGHAI)
    if policy.closed_on_holidays and local.date() in policy.holidays:
        return "holiday"
    if policy.hours is None or any(start <= local < end for start, end in _spans(policy.hours, local.date())):
        return None
    return "hours"


def next_open(policy: Policy, at: dt.datetime) -> dt.datetime | None:
    """The first instant from `at` on that the hours allow; None when there is none within `HORIZON_DAYS`."""
    first = at.astimezone(days.SHANGHAI).date()
    for offset in range(HORIZON_DAYS):
        day = first + dt.timedelta(days=offset)
        if policy.closed_on_holidays and day in policy.holidays:
            continue
        for start, end in _spans(policy.hours or ALL_DAY, day):
            if at < end:
                return max(at, start)
    return None


def open_on(policy: Policy, day: dt.date) -> list[tuple[dt.datetime, dt.datetime]]:
    """The half-open spans of `day` within which the policy's hours allow contacts; none on its holidays."""
    if policy.closed_on_holidays and day in policy.holidays:
        return []
    return list(_spans(policy.hours or ALL_DAY, day))


ALL_DAY = Hours(dt.time(0), dt.time(0))


def _spans(hours: Hours, day: dt.date) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """The allowed half-open spans of `day` in order. A closing time of 00:00 is the day's end."""
    if day.weekday() not in hours.weekdays:
        return
    midnight = days.day_bounds(day)[1]
    start = dt.datetime.combine(day, hours.opens, days.SHANGHAI)
    end = dt.datetime.combine(day, hours.closes, days.SHANGHAI) if hours.closes > dt.time(0) else midnight
    for pause_from, pause_to in sorted(hours.breaks):
        pause_start = dt.datetime.combine(day, pause_from, days.SHANGHAI)
        if start < pause_start:
            yield start, min(pause_start, end)
        start = max(start, dt.datetime.combine(day, pause_to, days.SHANGHAI))
    if start < end:
        yield start, end
