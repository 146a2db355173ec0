"""SQL of the counted days of the lines. Functions take a connection and never commit.

A day is counted from the same statements that read a day which is not, so the two cannot differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.sql import load, statement_of
from calling_pipeline.telephony.pool.line_counts.records import Delay, LineHour, LineUse, Worked
from calling_pipeline.telephony.pool.line_counts.tables import counted_line_days, line_days, line_delays, line_hours

Kind = Literal["extension", "collector"]
MOST_DAYS = 3
"""Few, because a day that is counted holds off whoever changes its records."""
_FOLDER = "telephony/pool/line_counts"
_ONE_DAY = "(SELECT cast(:day AS date) AS day)"


def _of_records(name: str, days_: str) -> str:
    return statement_of(f"{_FOLDER}/{name}_of_records", days=days_)


_UNCOUNTED = statement_of(f"{_FOLDER}/uncounted")
_USES = load(f"{_FOLDER}/uses", live=_of_records("days", _UNCOUNTED))
_EVERY_HOUR = statement_of(f"{_FOLDER}/hours", live=_of_records("hours", _UNCOUNTED))
_HOURS = sa.text(_EVERY_HOUR)
_WORKED = load(f"{_FOLDER}/worked", hours=_EVERY_HOUR)
_DELAYS = load(f"{_FOLDER}/delays", live=_of_records("delays", _UNCOUNTED))
_ADDS = [load(f"{_FOLDER}/add_{name}", live=_of_records(name, _ONE_DAY)) for name in ("days", "hours", "delays")]
_NEXT_DAY = load(f"{_FOLDER}/next_day")
_WAIT = load(f"{_FOLDER}/hold_day")


def uses(
    connection: sa.Connection, first: dt.date, last: dt.date, kind: Kind, *, tenant_id: int | None
) -> Sequence[LineUse]:
    """What each extension or collector did from `first` to `last`; None: of every tenant."""
    rows = connection.execute(_USES, {"first": first, "last": last, "kind": kind, "tenant_id": tenant_id}).mappings().all()
    return [LineUse(**row) for row in rows]


def hours(connection: sa.Connection, first: dt.date, last: dt.date, *, tenant_id: int | None) -> Sequence[LineHour]:
    """Every hour from `first` to `last` in which a tenant had a call, in order; None: of every tenant."""
    rows = connection.execute(_HOURS, {"first": first, "last": last, "tenant_id": tenant_id}).all()
    return [LineHour(*row) for row in rows]


def worked(connection: sa.Connection, first: dt.date, last: dt.date, *, tenant_id: int | None) -> Sequence[Worked]:
    """In how many hours from `first` to `last` each tenant had a call, and how many calls; None: every tenant."""
    rows = connection.execute(_WORKED, {"first": first, "last": last, "tenant_id": tenant_id})
    return [Worked(*row) for row in rows]


def delays(connection: sa.Connection, first: dt.date, last: dt.date, *, tenant_id: int | None) -> Sequence[Delay]:
    """How late callbacks came from `first` to `last`; None: of every tenant."""
    rows = connection.execute(_DELAYS, {"first": first, "last": last, "tenant_id": tenant_id}).mappings().all()
    return [Delay(**row) for row in rows]


def next_day(connection: sa.Connection, today: dt.date) -> dt.date | None:
    """The newest day before `today` that has records and is not counted; None: there is none."""
    return connection.execute(_NEXT_DAY, {"today": today}).scalar_one_or_none()


def count_day(connection: sa.Connection, day: dt.date, now: dt.datetime) -> None:
    """Count a day that is over. Waits for whoever changes its records, and they wait for the count."""
    connection.execute(_WAIT, {"day": day})
    begin, end = days.day_bounds(day)
    for table in (line_days, line_delays, counted_line_days):
        connection.execute(sa.delete(table).where(table.c.day == day))
    connection.execute(sa.delete(line_hours).where(line_hours.c.hour >= begin, line_hours.c.hour < end))
    for statement in _ADDS:
        connection.execute(statement, {"day": day, "tenant_id": None})
    connection.execute(counted_line_days.insert().values(day=day, counted_at=now))


def catch_up(connection: sa.Connection, *, most: int = MOST_DAYS) -> int:
    """Count days that are over and not counted, the newest first, `most` at once; how many were."""
    now = days.now()
    for counted in range(most):
        day = next_day(connection, days.today())
        if day is None:
            return counted
        count_day(connection, day, now)
    return most
