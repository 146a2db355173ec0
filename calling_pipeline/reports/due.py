"""Which reports are to be made now: cheap enough to be asked every minute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.call_stats.ranges.store import first_kept_day, first_read_at, read_range
from calling_pipeline.reports import periods, store
from calling_pipeline.reports.records import KINDS, Period, ReportKind

_LOOK_BACK: Mapping[ReportKind, int] = {"daily": 31, "weekly": 6, "monthly": 2}
"""Periods back whose reports follow what is corrected."""
_NEW: Mapping[ReportKind, int] = {"daily": 10, "weekly": 2, "monthly": 1}
"""Of them those that are made when they have no report: a new installation does not report its whole past. What lies after a
report is made in any case, so that weeks of downtime leave no hole."""
LATE_AFTER = dt.timedelta(hours=1)
"""How long after its deadline, and after its days were read for the first time, a report that is not made counts as late: a
run needs minutes, and a new installation makes those of ten days."""


@dataclass(frozen=True)
class Due:
    """Reports that are to be made now, and those that should have been made long ago."""

    periods: Sequence[Period]
    late: Sequence[Period]


def due(connection: sa.Connection, now: dt.datetime, *, deadline_h: float) -> Due:
    """Which reports are due, and which are late.

    A period is due when its days became complete or its deadline passed and it has no report; when its report is partial and
    its days are complete now; and when the numbers of its days, or of their agents and hours, are others than those in its
    report. One without a report is made only if it is among the newest, or later than a period that has one.
    """
    oldest = first_kept_day(connection)
    if oldest is None:
        return Due((), ())
    candidates = {(one.kind, one.first): (place, one) for place, one in _candidates(now, oldest)}
    standing = store.standing(connection, [one for _, one in candidates.values()])
    oldest_made = {row.kind: row.first for row in sorted(standing, key=lambda row: row.first, reverse=True) if row.state}
    wanted, late = [], []
    for row in standing:
        place, period = candidates[row.kind, row.first]
        past = now >= periods.deadline(period, deadline_h)
        if row.state is None:
            new = place < _NEW[period.kind] or period.first > oldest_made.get(period.kind, period.first)
            if new and (past or _complete(connection, period, now)):
                wanted.append(period)
                if past and now >= _known_and_due(connection, period, deadline_h) + LATE_AFTER:
                    late.append(period)
        elif row.changed or (row.state == "partial" and _complete(connection, period, now)):
            wanted.append(period)
    return Due(wanted, late)


def _candidates(now: dt.datetime, oldest: dt.date) -> list[tuple[int, Period]]:
    """The newest periods that are over and have a day that is known, with how many lie after them."""
    found = []
    for kind in KINDS:
        period = periods.named(kind, "last", now.date())
        for place in range(_LOOK_BACK[kind]):
            if period.last >= oldest:
                found.append((place, period))
            period = periods.before(period)
    return found


def _complete(connection: sa.Connection, period: Period, now: dt.datetime) -> bool:
    found = [one for track in ("task", "grade") for one in read_range(connection, track, period.first, period.last)]
    return not periods.waits(period, found, now)


def _known_and_due(connection: sa.Connection, period: Period, deadline_h: float) -> dt.datetime:
    """The period's deadline, or when its days were read for the first time, whatever was later."""
    deadline = periods.deadline(period, deadline_h)
    return max(deadline, first_read_at(connection, period.first, period.last) or deadline)
