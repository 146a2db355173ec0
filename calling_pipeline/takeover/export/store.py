"""SQL of the way back: each statement gives one old table's columns, under their old names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import load, statement_of

NAMES: Sequence[str] = (
    "call_history",
    "call_log",
    "tasks",
    "usage_tasks",
    "infinity_extension_pool",
    "communication_records",
    "do_not_call",
    "task_stats_cache",
    "grade_stats_cache",
)
"""Old tables, each a CSV file."""
FLAGS: Sequence[str] = ("send_status", "technician_send_status")
"""Old send_status files."""
_ROWS = {name: load(f"takeover/export/{name}") for name in (*NAMES, *FLAGS)}
_COUNT = {
    name: sa.text(f"SELECT count(*) FROM ({statement_of(f'takeover/export/{name}')}) AS exported")  # noqa: S608 - our own
    for name in NAMES
}
AT_ONCE = 5000


def rows(connection: sa.Connection, name: str, values: Mapping[str, Any]) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The header of a file and its rows, fetched some thousand at a time."""
    streamed = {"stream_results": True, "yield_per": AT_ONCE}
    found = connection.execute(_ROWS[name], dict(values), execution_options=streamed)
    return list(found.keys()), (tuple(row) for row in found)


def count(connection: sa.Connection, name: str, values: Mapping[str, Any]) -> int:
    """How many rows a file must have."""
    return int(connection.execute(_COUNT[name], dict(values)).scalar_one())


def flags(connection: sa.Connection, name: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(id, status) of a send_status file."""
    return [(row.id, row.status) for row in connection.execute(_ROWS[name], dict(values))]
