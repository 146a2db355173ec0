"""SQL of the call history: its totals, and imports into it.

Imported rows go into a temporary table by COPY, and one statement takes them over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.history.tables import call_history
from calling_pipeline.database.sql import load

WORK_MEMORY = "256MB"
LINES = "history_lines"
COLUMNS = (
    "line", "phone", "said", "reason", "remark", "last_at", "first_at", "calls", "staff_name", "sys_name", "order_type",
    "order_nums", "updated_time",
)  # fmt: skip
"""Of `history_lines`, in the order of COPY's fields."""
PAGE = 5000

WANT = load("call_batches/history/want")
DECIDE = load("call_batches/history/decide")
KEEP = load("call_batches/history/keep")
JUDGED = load("call_batches/history/judged")
_BUSINESS = "staff_name text, sys_name text, order_type text, order_nums integer, updated_time timestamptz"
_TABLES = {
    LINES: 'line bigint, phone text COLLATE "C", said text, reason text, remark text, last_at timestamptz,'
    f" first_at timestamptz, calls integer, {_BUSINESS}",
    "history_wanted": 'phone text COLLATE "C", first_line bigint, first_at timestamptz, known_at timestamptz, calls integer,'
    f" {_BUSINESS}",
    "history_decided": 'phone text COLLATE "C", first_line bigint, verdict text, first_at timestamptz,'
    f" called_at timestamptz, calls integer, {_BUSINESS}",
}


def totals(connection: sa.Connection) -> tuple[int, int]:
    """Phones and calls of the whole call history."""
    calls = sa.func.coalesce(sa.func.sum(call_history.c.calls), 0)
    phones, total = connection.execute(sa.select(sa.func.count(call_history.c.phone), calls)).one()
    return phones, int(total)


def prepare(connection: sa.Connection) -> None:
    """Make the temporary tables, empty; they end with the transaction."""
    connection.exec_driver_sql(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    for name, columns in _TABLES.items():
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS pg_temp.{name}")
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")


def decide(connection: sa.Connection, now: dt.datetime) -> dict[str, int]:
    """Judge the numbers of the lines that were copied; how many there are of each verdict."""
    connection.exec_driver_sql(f"ANALYZE {LINES}")
    connection.execute(WANT)
    connection.exec_driver_sql("ANALYZE history_wanted")
    connection.execute(DECIDE, {"now": now})
    connection.exec_driver_sql("ANALYZE history_decided")
    counted = connection.exec_driver_sql("SELECT verdict, count(*) AS numbers FROM history_decided GROUP BY verdict")
    return {row.verdict: row.numbers for row in counted}


def keep(connection: sa.Connection, source: str) -> int:
    """Take what was decided into the call history; returns how many of its rows were written."""
    return connection.execute(KEEP, {"source": source}).rowcount


def judged(connection: sa.Connection, *, rejected: bool | None, limit: int, after: int = 0) -> list[Any]:
    """Some of the rows that were judged, in the order of their source: the rejected ones, the others, or both."""
    return list(connection.execute(JUDGED, {"rejected": rejected, "limit": limit, "after": after}))


def all_judged(connection: sa.Connection) -> Iterator[Any]:
    """Every row that was judged, read page by page."""
    after = 0
    while page := judged(connection, rejected=None, limit=PAGE, after=after):
        yield from page
        after = page[-1].line
