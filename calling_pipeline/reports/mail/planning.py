"""Which deliveries are to be made now, and from when on each subscription is served."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.contact_policy.store import holidays
from calling_pipeline.reports.mail import store
from calling_pipeline.reports.mail.records import WeekDays

_LOOK_AHEAD_DAYS = 60
"""Longer than any row of holidays."""


def plan(connection: sa.Connection, *, domain: str) -> tuple[int, int]:
    """Make the deliveries that are missing; returns how many, and how many of older revisions were abandoned."""
    now = days.now()
    closed = holidays(connection, days.today())
    return store.plan(connection, served_from(now, closed), now=now, domain=domain)


def served_from(now: dt.datetime, closed: Collection[dt.date]) -> Mapping[tuple[str, int], dt.datetime]:
    """Days of the week and hour of a subscription → from when on what is made now is sent; never before now."""
    return {
        (week_days, hour): max(now, _first_moment(now, week_days, hour, closed))
        for week_days in ("every", "working")
        for hour in range(24)
    }


def _first_moment(now: dt.datetime, week_days: WeekDays | str, hour: int, closed: Collection[dt.date]) -> dt.datetime:
    today = now.astimezone(days.SHANGHAI).date()
    for ahead in range(_LOOK_AHEAD_DAYS):
        day = today + dt.timedelta(days=ahead)
        if week_days == "every" or (day.weekday() < 5 and day not in closed):
            return dt.datetime.combine(day, dt.time(hour), days.SHANGHAI)
    return now
