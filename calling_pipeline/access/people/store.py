"""The SQL of people. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
import sqlalchemy as sa

from calling_pipeline.access.people.records import Language, Person
from calling_pipeline.access.people.tables import people
from calling_pipeline.database.sql import load_driver
from calling_pipeline.settings import GrantableRoom, Role

NAME_KEY = "uq_people_name"
BY_NAME = load_driver("access/people/person_by_name")
_named = sa.func.lower(people.c.name)


def person_of(row: sa.Row[Any]) -> Person:
    """The record of one row of `people`."""
    values = row._mapping
    shown = {name: values[name] for name in Person.__dataclass_fields__ if name not in ("grants", "has_password")}
    return Person(**shown, grants=tuple(values["grants"]), has_password=values["password_hash"] is not None)


def add(
    connection: sa.Connection,
    *,
    name: str,
    role: Role,
    tenant_id: int | None,
    collector_id: int | None,
    grants: tuple[GrantableRoom, ...],
    language: Language,
    at: dt.datetime,
) -> Person:
    """Insert a person. Violates `NAME_KEY` when somebody has that name."""
    row = {"name": name, "role": role, "tenant_id": tenant_id, "collector_id": collector_id, "created_at": at}
    more = {"grants": list(grants), "language": language}
    return person_of(connection.execute(people.insert().values(row | more).returning(people)).one())


def by_name(connection: sa.Connection, name: str, *, lock: bool = False) -> Person | None:
    """The person of that name, whatever its case; locked against other writers if asked."""
    query = sa.select(people).where(_named == sa.func.lower(name))
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else person_of(row)


def by_id(connection: sa.Connection, person_id: int) -> Person:
    """The person with that id."""
    return person_of(connection.execute(sa.select(people).where(people.c.id == person_id)).one())


def find(connection: sa.Connection, person_id: int) -> Person | None:
    """The person with that id, None when there is none."""
    row = connection.execute(sa.select(people).where(people.c.id == person_id)).one_or_none()
    return None if row is None else person_of(row)


def every(connection: sa.Connection) -> list[Person]:
    """All people by name, the disabled ones too."""
    return [person_of(row) for row in connection.execute(sa.select(people).order_by(_named))]


def change(connection: sa.Connection, person_id: int, values: Mapping[str, Any]) -> Person:
    """Update columns of one person."""
    statement = people.update().where(people.c.id == person_id).values(**values).returning(people)
    return person_of(connection.execute(statement).one())


def other_admins(connection: sa.Connection, person_id: int) -> int:
    """How many active admins of all tenants there are beside this one. Locks them, so that two leave one after the other."""
    t = people.c
    wanted = (t.role == "admin", t.active, t.tenant_id.is_(None))
    ids = connection.execute(sa.select(t.id).where(*wanted).order_by(t.id).with_for_update()).scalars().all()
    return len([one for one in ids if one != person_id])


def password_hash(connection: sa.Connection, person_id: int) -> str | None:
    """The stored hash of this person's password."""
    return connection.execute(sa.select(people.c.password_hash).where(people.c.id == person_id)).scalar_one()


def person_of_driver_row(row: tuple[Any, ...]) -> Person:
    """The record of one row whose columns stand in the order of `Person`."""
    person = Person(*row)
    return replace(person, grants=tuple(person.grants))


async def find_by_name(connection: psycopg.AsyncConnection[Any], name: str) -> Person | None:
    """As `by_name`, for a server that waits for many."""
    row = await (await connection.execute(BY_NAME, {"name": name})).fetchone()
    return None if row is None else person_of_driver_row(row)
