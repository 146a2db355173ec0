"""Declaring days holidays, and ordinary days again."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy import store
from calling_pipeline.errors import InvalidInput, NotFound

LONGEST_NAME = 200


def declare(connection: sa.Connection, day: dt.date, name: str, *, by: str = "", reason: str = "") -> None:
    """Make `day` a holiday, or give it another name. Raises `InvalidInput` for a name that is none."""
    clean = name.strip()
    if not clean or len(clean) > LONGEST_NAME or not clean.isprintable():
        raise InvalidInput(f"a holiday's name has 1 to {LONGEST_NAME} characters and no line break", field="name")
    store.add_holiday(connection, day, clean)
    note_act(connection, "holiday.add", f"holiday:{day}", by=by, reason=reason, after={"name": clean})


def withdraw(connection: sa.Connection, day: dt.date, *, by: str = "", reason: str = "") -> None:
    """Make `day` an ordinary day again. Raises `NotFound` when it was one."""
    name = store.holidays_between(connection, day, day).get(day)
    if not store.remove_holiday(connection, day):
        raise NotFound(f"{day} is no holiday")
    note_act(connection, "holiday.remove", f"holiday:{day}", by=by, reason=reason, before={"name": name})
