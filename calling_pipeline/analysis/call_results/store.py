"""SQL that matches pushed calls with call records. What it finds is kept by `call_batches/calls/results/store.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.analysis.call_results.quality import ResultFacts
from calling_pipeline.analysis.call_results.records import TOLERANCE, DayState
from calling_pipeline.database.bulk import copy_rows
from calling_pipeline.database.sql import load

_CREATE_PUSHED_PHONES = load("analysis/call_results/create_pushed_phones")
_PUSHED_OF_DAY = load("analysis/call_results/pushed_of_day")
_MATCH = load("analysis/call_results/match")
_CONTESTED_DAYS = load("analysis/call_results/contested_days")
_DAY_STATES = load("analysis/call_results/day_states")
_FACTS = load("analysis/call_results/facts")
_AT_ONCE = 10_000
_STREAMED = {"stream_results": True, "max_row_buffer": _AT_ONCE}


@dataclass(frozen=True)
class Claims:
    """The first and the last claim of the calls that a day's batches pushed."""

    first_at: dt.datetime
    last_at: dt.datetime


def stage_pushed(
    connection: sa.Connection, day: dt.date, hashed: Callable[[Iterable[str]], Iterable[tuple[str, bytes, bool]]]
) -> Claims | None:
    """Make the table of the numbers that the day's batches pushed, as long as the transaction; None when there are none.

    Each number stands there once with `current`, and once more for each other key that call records may be hashed with. They
    are read in parts: memory does not grow with them.
    """
    connection.execute(_CREATE_PUSHED_PHONES)
    connection.execute(sa.text("TRUNCATE pushed_phones"))
    claims = None
    with connection.execute(_PUSHED_OF_DAY, {"day": day}, execution_options=_STREAMED) as result:
        for rows in result.partitions(_AT_ONCE):
            claims = Claims(rows[0].first_at, rows[0].last_at)
            phones = (row.phone for row in rows)
            copy_rows(connection, "pushed_phones", ("phone", "phone_hash", "current"), hashed(phones))
    connection.execute(sa.text("ANALYZE pushed_phones"))
    return claims


def match(
    connection: sa.Connection,
    day: dt.date,
    *,
    first_at: dt.datetime,
    first_day: dt.date,
    last_day: dt.date,
    reach: dt.timedelta,
) -> int:
    """Judge the day's pushes by the call records of `first_day` … `last_day`; returns how many pushes there are."""
    window = {"first_at": first_at, "first_day": first_day, "last_day": last_day}
    return connection.execute(_MATCH, {"day": day, **window, "tolerance": TOLERANCE, "reach": reach}).rowcount


def contested_days(connection: sa.Connection, joined: Sequence[dt.date]) -> list[dt.date]:
    """Other days whose results hold a record that was just judged to belong to another push."""
    return list(connection.execute(_CONTESTED_DAYS, {"joined": list(joined)}).scalars())


def day_states(
    connection: sa.Connection, since: dt.date, until: dt.date, *, reach_days: int, now: dt.datetime
) -> list[DayState]:
    """The days of batches that pushed calls, `since` … `until` and those that are stale, oldest first."""
    values = {"since": since, "until": until, "reach_days": reach_days, "now": now}
    rows = connection.execute(_DAY_STATES, values).mappings()
    return [DayState(**row) for row in rows]


def facts(connection: sa.Connection, day: dt.date) -> ResultFacts:
    """What the checks judge of the day."""
    return ResultFacts(**connection.execute(_FACTS, {"day": day}).mappings().one())
