"""The SQL of stored tokens. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import sqlalchemy as sa

from calling_pipeline.access.people.records import Person
from calling_pipeline.access.people.store import person_of_driver_row
from calling_pipeline.access.people.tables import people
from calling_pipeline.access.tokens.records import Token
from calling_pipeline.access.tokens.tables import access_tokens
from calling_pipeline.database.sql import load_driver

PERSON = load_driver("access/tokens/person_of_token")


def add(
    connection: sa.Connection,
    *,
    digest: bytes,
    person_id: int,
    label: str,
    at: dt.datetime,
    by: str,
    expires_at: dt.datetime | None,
) -> int:
    """Store a token's digest; its id."""
    row = {"digest": digest, "person_id": person_id, "label": label}
    more = {"created_at": at, "created_by": by, "expires_at": expires_at}
    statement = access_tokens.insert().values(row | more).returning(access_tokens.c.id)
    return int(connection.execute(statement).scalar_one())


def revoke(connection: sa.Connection, token_id: int, *, at: dt.datetime) -> bool:
    """Revoke one token; False when it was revoked already or does not exist."""
    t = access_tokens.c
    statement = access_tokens.update().where(t.id == token_id, t.revoked_at.is_(None)).values(revoked_at=at)
    return connection.execute(statement).rowcount == 1


def listed(connection: sa.Connection, *, person_id: int | None = None, token_id: int | None = None) -> list[Token]:
    """Tokens, the newest first, with the names of their people."""
    t = access_tokens.c
    columns = [t.id, people.c.name.label("person"), t.label, t.created_at, t.created_by]
    query = sa.select(*columns, t.expires_at, t.last_used_at, t.revoked_at).select_from(access_tokens.join(people))
    if person_id is not None:
        query = query.where(t.person_id == person_id)
    if token_id is not None:
        query = query.where(t.id == token_id)
    return [Token(**row) for row in connection.execute(query.order_by(t.id.desc())).mappings()]


async def person_of(connection: psycopg.AsyncConnection[Any], digest: bytes, *, now: dt.datetime) -> Person | None:
    """The active person whose valid token has this digest."""
    cursor = await connection.execute(PERSON, {"digest": digest, "now": now})
    row = await cursor.fetchone()
    return None if row is None else person_of_driver_row(row)
