"""SQL of what is stored of our requests to outside systems. It changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.sql import load

MOST_READ = 5_000
"""Rows of a table that are about read; of a larger one a sample of its blocks."""
_READS = load("analysis/vendor_speed/reads")


@dataclass(frozen=True)
class Source:
    """Where the requests to a vendor are stored: a statement, and the table that it samples (none: it reads all)."""

    statement: sa.TextClause
    sampled: str = ""
    values: Mapping[str, str] | None = None


def _sampled(statement: str, table: str) -> Source:
    """The requests that a large table holds: `percent` of its blocks are read, the same ones each time."""
    sampled = f"{table} TABLESAMPLE system (:percent) REPEATABLE (0)"
    return Source(load(f"analysis/vendor_speed/{statement}", sampled=sampled), table)


SOURCES: Mapping[str, Source] = {
    "guanke_calls": Source(load("analysis/vendor_speed/guanke"), values={"track": "grade"}),
    "guanke_tasks": Source(load("analysis/vendor_speed/guanke"), values={"track": "task"}),
    "gateway": _sampled("gateway", "call_log"),
    "wecom_contracts": _sampled("messages", "contract_messages"),
    "wecom_technicians": _sampled("messages", "technician_messages"),
    "infinity": _sampled("infinity", "communication_records"),
}
"""By the name of the vendor and what is asked of it."""


@dataclass(frozen=True)
class Found:
    """The requests to one vendor by day and together. `percent` below 100: of a sample; counts are of the sample."""

    vendor: str
    percent: float
    rows: Sequence[Mapping[str, Any]]


def requests(connection: sa.Connection, vendor: str, first: dt.date, last: dt.date) -> Found:
    """The requests to `vendor` on these days."""
    source = SOURCES[vendor]
    percent = _percent(connection, source.sampled) if source.sampled else 100.0
    values = {**_span(first, last), **(source.values or {}), **({"percent": percent} if source.sampled else {})}
    return Found(vendor, percent, [dict(row) for row in connection.execute(source.statement, values).mappings()])


def reads(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[Mapping[str, Any]]:
    """The reads of Guanke on these days by track and mode."""
    return [dict(row) for row in connection.execute(_READS, _span(first, last)).mappings()]


def _percent(connection: sa.Connection, table: str) -> float:
    """So much of the table that about `MOST_READ` rows are read, by the planner's own estimate of its size."""
    about = sa.text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:table)")
    rows = float(connection.execute(about, {"table": table}).scalar_one())
    return 100.0 if rows <= 2 * MOST_READ else round(100 * MOST_READ / rows, 4)


def _span(first: dt.date, last: dt.date) -> Mapping[str, Any]:
    return {"since": days.day_bounds(first)[0], "until": days.day_bounds(last)[1]}
