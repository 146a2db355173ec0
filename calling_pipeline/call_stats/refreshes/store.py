"""SQL of the refreshes of single days. It never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_stats.records import Track
from calling_pipeline.call_stats.refreshes.records import NewestRefresh, Refresh, RefreshOutcome
from calling_pipeline.call_stats.tables import day_refreshes
from calling_pipeline.database import locks

LOCK = "refresh"
"""Whoever refreshes a day holds the lock of this name, the track and the day."""


def begin(
    connection: sa.Connection, track: Track, day: dt.date, *, by: str, before: Mapping[str, Any] | None, now: dt.datetime
) -> int:
    """Keep that a refresh begins; its id."""
    values = {"track": track, "date": day, "by": by, "started_at": now, "numbers_before": before}
    return connection.execute(day_refreshes.insert().values(values).returning(day_refreshes.c.id)).scalar_one()


def note_pages(connection: sa.Connection, refresh_id: int, pages: int, expected: int) -> None:
    """Keep how far a refresh is."""
    query = day_refreshes.update().where(day_refreshes.c.id == refresh_id)
    connection.execute(query.values(pages=pages, pages_expected=expected))


def finish(
    connection: sa.Connection,
    refresh_id: int,
    outcome: RefreshOutcome,
    *,
    after: Mapping[str, Any] | None,
    error: str | None,
    now: dt.datetime,
) -> None:
    """Keep how a refresh ended and which numbers are published then."""
    values = {"outcome": outcome, "finished_at": now, "numbers_after": after, "error": error}
    connection.execute(day_refreshes.update().where(day_refreshes.c.id == refresh_id).values(values))


def newest(connection: sa.Connection, track: Track, day: dt.date) -> NewestRefresh:
    """The newest refresh of the day, and whether one is under way in any process.

    The lock is asked first: a refresh that ends in between is then shown as ended.
    """
    under_way = locks.is_held(connection, LOCK, track, day)
    found = of_day(connection, track, day, limit=1)
    last = found[0] if found else None
    if under_way and last is not None and last.finished_at is not None:
        last = None  # the one under way has not noted itself yet
    return NewestRefresh(last, under_way)


def of_day(connection: sa.Connection, track: Track, day: dt.date, *, limit: int = 100) -> list[Refresh]:
    """The refreshes of the day, newest first."""
    t = day_refreshes.c
    query = sa.select(day_refreshes).where(t.track == track, t.date == day).order_by(t.id.desc()).limit(limit)
    return [Refresh(**row) for row in connection.execute(query).mappings()]


def delete_refreshes(connection: sa.Connection, first_kept: dt.date) -> int:
    """Delete what is kept of refreshes of days before `first_kept`; returns how many rows."""
    return connection.execute(day_refreshes.delete().where(day_refreshes.c.date < first_kept)).rowcount
