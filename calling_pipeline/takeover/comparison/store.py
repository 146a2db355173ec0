"""SQL of the comparison of a shadow day: the old calls go into a temporary table, one statement judges both sides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.bulk import copy_rows
from calling_pipeline.database.sql import load

_DECIDE = load("takeover/comparison/decide")
_SUMS = load("takeover/comparison/sums")
_COUNTED = load("takeover/comparison/counted")
_OLD = 'phone text COLLATE "C", called_at timestamptz, kind text'
_COMPARED = 'phone text COLLATE "C", side text, reason text'


def prepare(connection: sa.Connection) -> None:
    """Make the temporary tables; they end with the transaction."""
    connection.exec_driver_sql("SET LOCAL work_mem = '256MB'")
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE old_calls ({_OLD}) ON COMMIT DROP")
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE compared ({_COMPARED}) ON COMMIT DROP")


def copy_old(connection: sa.Connection, rows: Iterable[tuple[str, dt.datetime | None, str]]) -> None:
    """Copy what the old system did."""
    copy_rows(connection, "old_calls", ("phone", "called_at", "kind"), rows)
    connection.exec_driver_sql("ANALYZE old_calls")


def decide(connection: sa.Connection, day: dt.date) -> Any:
    """Judge every number of the day; the sums of both sides."""
    since, until = days.day_bounds(day)
    connection.execute(_DECIDE, {"day": day, "since": since, "until": until})
    return connection.execute(_SUMS, {"day": day}).one()


def counted(connection: sa.Connection, examples: int) -> list[Any]:
    """Numbers that only one side called, by side and reason."""
    return list(connection.execute(_COUNTED, {"examples": examples}))


def differing(connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
    """(phone, side, reason) of every number that only one side called."""
    what = "SELECT phone, side, reason FROM compared WHERE side <> 'both' ORDER BY side, reason, phone"
    streamed = {"stream_results": True, "yield_per": 5000}
    yield from (tuple(row) for row in connection.execute(sa.text(what), execution_options=streamed))
