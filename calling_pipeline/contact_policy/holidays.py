"""Declaring days holidays, and ordinary days again."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy import store
from calling_pipeline.errors import NotFound


def declare(connection: sa.Connection, day: dt.date, name: str, *, by: str = "") -> None:
    """Make `day` a holiday, or give it another name."""
    store.add_holiday(connection, day, name)
    note_act(connection, "holiday.add", f"holiday:{day}", by=by, after={"name": name})


def withdraw(connection: sa.Connection, day: dt.date, *, by: str = "") -> None:
    """Make `day` an ordinary day again. Raises `NotFound` when it was one."""
    if not store.remove_holiday(connection, day):
        raise NotFound(f"{day} is no holiday")
    note_act(connection, "holiday.remove", f"holiday:{day}", by=by)
