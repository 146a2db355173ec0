"""The SQL of login links and counted attempts. Nothing here commits."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.access.login.records import FORGOTTEN_AFTER, Slowing
from calling_pipeline.access.login.tables import login_attempts, login_links
from calling_pipeline.database.sql import load

COUNT = load("access/login/count_attempt")
USE_LINK = load("access/login/use_link")
_KEPT = dt.timedelta(days=30)


def add_link(
    connection: sa.Connection, *, digest: bytes, person_id: int, at: dt.datetime, by: str, expires_at: dt.datetime
) -> None:
    """Store a link. Removes those that expired long ago."""
    connection.execute(login_links.delete().where(login_links.c.expires_at < at - _KEPT))
    row = {"digest": digest, "person_id": person_id, "created_at": at, "created_by": by, "expires_at": expires_at}
    connection.execute(login_links.insert().values(row))


def use_link(connection: sa.Connection, digest: bytes, *, now: dt.datetime) -> int | None:
    """Use the link up; the id of the person it logs in, None when it proves nobody (any more)."""
    return connection.execute(USE_LINK, {"digest": digest, "now": now}).scalar_one_or_none()


def end_links(connection: sa.Connection, person_id: int, *, at: dt.datetime) -> None:
    """End every unused link of a person."""
    t = login_links.c
    connection.execute(login_links.update().where(t.person_id == person_id, t.ended_at.is_(None)).values(ended_at=at))


def count_attempt(connection: sa.Connection, key: bytes, slowing: Slowing, *, now: dt.datetime) -> float:
    """Count one attempt. 0.0 when it may go on, otherwise the seconds until the next may come."""
    values = {"key": key, "now": now, "forgotten": now - FORGOTTEN_AFTER}
    limits = {"free": slowing.free, "longest_s": slowing.longest_s}
    if connection.execute(COUNT, values | limits).one_or_none() is not None:
        return 0.0
    query = sa.select(login_attempts.c.next_at).where(login_attempts.c.key == key)
    next_at = connection.execute(query).scalar_one_or_none()
    return 1.0 if next_at is None else max((next_at - now).total_seconds(), 1.0)


def forget_attempts(connection: sa.Connection, key: bytes, *, now: dt.datetime) -> None:
    """Begin the count anew after a login. Removes what was counted long ago."""
    t = login_attempts.c
    connection.execute(login_attempts.delete().where((t.key == key) | (t.last_at < now - _KEPT)))


def uncount_attempt(connection: sa.Connection, key: bytes) -> None:
    """Take back one counted attempt, because it was a login."""
    t = login_attempts.c
    connection.execute(login_attempts.update().where(t.key == key, t.attempts > 0).values(attempts=t.attempts - 1))
