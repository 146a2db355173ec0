"""The SQL of sessions. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import sqlalchemy as sa

from calling_pipeline.access.people.records import Person
from calling_pipeline.access.people.store import person_of_driver_row
from calling_pipeline.access.sessions.records import IDLE, OpenSession
from calling_pipeline.access.sessions.tables import access_sessions
from calling_pipeline.database.sql import load_driver

PERSON = load_driver("access/sessions/person_of_session")
_KEPT = dt.timedelta(days=30)


def add(connection: sa.Connection, *, digest: bytes, person_id: int, at: dt.datetime, expires_at: dt.datetime) -> int:
    """Store a session; its id. Removes those that expired long ago."""
    connection.execute(access_sessions.delete().where(access_sessions.c.expires_at < at - _KEPT))
    row = {"digest": digest, "person_id": person_id, "created_at": at, "last_seen_at": at, "expires_at": expires_at}
    return int(connection.execute(access_sessions.insert().values(row).returning(access_sessions.c.id)).scalar_one())


def end(connection: sa.Connection, digest: bytes, *, at: dt.datetime) -> int | None:
    """End one session; the id of its person, None when there is no such session or it has ended."""
    t = access_sessions.c
    ended = access_sessions.update().where(t.digest == digest, t.ended_at.is_(None)).values(ended_at=at)
    return connection.execute(ended.returning(t.person_id)).scalar_one_or_none()


def end_all(connection: sa.Connection, person_id: int, *, at: dt.datetime, but: int | None = None) -> int:
    """End every session of a person, `but` one of them if it is named; how many went on until then."""
    t = access_sessions.c
    ended = access_sessions.update().where(t.person_id == person_id, t.ended_at.is_(None)).values(ended_at=at)
    if but is not None:
        ended = ended.where(t.id != but)
    return connection.execute(ended).rowcount


def end_one(connection: sa.Connection, person_id: int, session_id: int, *, at: dt.datetime) -> bool:
    """End one session of a person; False when it has ended or is another's."""
    t = access_sessions.c
    theirs = (t.id == session_id, t.person_id == person_id, t.ended_at.is_(None))
    return connection.execute(access_sessions.update().where(*theirs).values(ended_at=at)).rowcount == 1


def open_of(connection: sa.Connection, person_id: int, *, now: dt.datetime) -> list[OpenSession]:
    """The sessions of a person that go on, the newest first."""
    t = access_sessions.c
    going_on = (t.person_id == person_id, t.ended_at.is_(None), t.expires_at > now, t.last_seen_at > now - IDLE)
    query = sa.select(t.id, t.created_at, t.last_seen_at, t.expires_at).where(*going_on).order_by(t.id.desc())
    return [OpenSession(*row) for row in connection.execute(query)]


async def person_of(
    connection: psycopg.AsyncConnection[Any], digest: bytes, *, now: dt.datetime
) -> tuple[int, Person] | None:
    """The id of the valid session with this digest, and its active person."""
    cursor = await connection.execute(PERSON, {"digest": digest, "now": now, "idle_since": now - IDLE})
    row = await cursor.fetchone()
    return None if row is None else (row[0], person_of_driver_row(row[1:]))
