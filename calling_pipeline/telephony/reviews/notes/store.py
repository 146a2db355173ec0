"""SQL of quality notes. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.telephony.reviews.notes.records import Note
from calling_pipeline.telephony.reviews.notes.tables import call_notes

_note = call_notes.c


def replace(connection: sa.Connection, record_id: int, reviewer: str, now: dt.datetime) -> int | None:
    """Close what the reviewer thought until now; the score of that, None without one."""
    own = sa.and_(_note.record_id == record_id, _note.reviewer == reviewer, _note.replaced_at.is_(None))
    statement = call_notes.update().where(own).values(replaced_at=now).returning(_note.score)
    return connection.execute(statement).scalar_one_or_none()


def add(
    connection: sa.Connection, record_id: int, tenant_id: int, *, reviewer: str, score: int, remark: str, now: dt.datetime
) -> None:
    """Insert a note."""
    values = {"record_id": record_id, "tenant_id": tenant_id, "reviewer": reviewer, "score": score, "remark": remark}
    connection.execute(call_notes.insert().values(**values, noted_at=now))


def of_call(connection: sa.Connection, record_id: int) -> list[Note]:
    """The notes about a call with their history, the newest first."""
    query = sa.select(call_notes).where(_note.record_id == record_id).order_by(_note.id.desc())
    return [Note(**row._mapping) for row in connection.execute(query)]
