"""SQL that reads what happened lately: reads by their proofs, the vendor's speed, a day beside another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.call_stats.recent.records import Comparison, Read, Speed
from calling_pipeline.call_stats.records import FailedRead, Track
from calling_pipeline.call_stats.tables import failed_reads as failed_reads_table
from calling_pipeline.call_stats.tables import fetch_proofs
from calling_pipeline.database.sql import load

COMPARED_READS = 50
_COMPARED = ("calls", "connected", "grade_9", "grade_1", "orders")
_SPEED = load("call_stats/recent/speed")
_COMPARE = load("call_stats/recent/compare")


def reads_since(connection: sa.Connection, since: dt.datetime) -> list[Read]:
    """The stored reads that began at `since` or later, oldest first."""
    p = fetch_proofs.c
    query = sa.select(p.track, p.date, p.started_at, p.finished_at).where(p.started_at >= since).order_by(p.started_at)
    return [Read(**row) for row in connection.execute(query).mappings()]


def failed_reads(connection: sa.Connection, track: Track, wanted: Sequence[dt.date]) -> dict[dt.date, FailedRead]:
    """Those of `wanted` whose newest attempt failed, and how; `wanted` is not empty."""
    f = failed_reads_table.c
    query = sa.select(f.date, f.failed_at, f.failures, f.error).where(f.track == track, f.read_again_at.is_(None))
    rows = connection.execute(query.where(f.date.between(min(wanted), max(wanted))))
    return {row.date: FailedRead(row.failed_at, row.failures, row.error) for row in rows}


def speed(connection: sa.Connection, track: Track, day: dt.date | None = None) -> Speed | None:
    """The newest read (of `day`, if one is named) beside the 50 of its track and mode before; None when never read."""
    values = {"track": track, "day": day, "compared": COMPARED_READS}
    row = connection.execute(_SPEED, values).mappings().one_or_none()
    return Speed(**row) if row else None


def compare(connection: sa.Connection, day: dt.date, *, hours: int = 24) -> Comparison:
    """Calls and orders of `day` beside the same weekday a week before, in the first `hours` hours of both."""
    against = day - dt.timedelta(days=7)
    rows = connection.execute(_COMPARE, {"day": day, "against": against, "hours": hours}).mappings()
    found = {row["date"]: row for row in rows}
    numbers = {name: _whole(found[day][name]) for name in _COMPARED}
    before = {f"{name}_before": _whole(found[against][name]) for name in _COMPARED}
    return Comparison(day, against, hours, **numbers, **before)


def _whole(number: object) -> int | None:
    return None if number is None else int(str(number))
