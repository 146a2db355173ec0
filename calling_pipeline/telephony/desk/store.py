"""SQL of the collectors' desks. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.desk.records import Desk, DeskCall, Seat
from calling_pipeline.telephony.desk.tables import collector_desks, desk_calls

UNDER_WAY = "uq_desk_calls_under_way"
_TAKE_TURN = load("telephony/desk/take_turn")
_CALL = load("telephony/desk/call")
_RECORD_OF_INTENT = load("telephony/desk/record_of_intent")
_desk = collector_desks.c
_press = desk_calls.c


class RecordOfIntent(NamedTuple):
    """The communication record that an intent led to."""

    id: int
    state: str
    failure: str | None


def desk_of(connection: sa.Connection, seat: Seat) -> Desk:
    """The desk as it stands; one nobody has used yet is made up."""
    row = connection.execute(sa.select(collector_desks).where(_is(seat))).one_or_none()
    if row is None:
        return Desk(seat.tenant_id, seat.collector_id, 0, 0, "off", 5, None, None, None, "")
    return Desk(**row._mapping)


def take_turn(connection: sa.Connection, seat: Seat, turn: int) -> Desk | None:
    """The desk for the one act that may use this turn; None for every other."""
    values = {"tenant_id": seat.tenant_id, "collector_id": seat.collector_id}
    connection.execute(insert(collector_desks).values(**values).on_conflict_do_nothing())
    row = connection.execute(_TAKE_TURN, {**values, "turn": turn}).one_or_none()
    return None if row is None else Desk(**row._mapping)


def change(connection: sa.Connection, seat: Seat, values: Mapping[str, Any]) -> None:
    """Change columns of a desk."""
    connection.execute(collector_desks.update().where(_is(seat)).values(**values))


def intend(connection: sa.Connection, seat: Seat, case_id: int, *, run: int, now: dt.datetime) -> int:
    """Insert the intent of a call; its id. A second one while the first has no answer breaks the constraint `UNDER_WAY`."""
    values = {"tenant_id": seat.tenant_id, "collector_id": seat.collector_id, "case_id": case_id, "run": run}
    statement = desk_calls.insert().values(**values, intended_at=now).returning(_press.id)
    return int(connection.execute(statement).scalar_one())


def call(connection: sa.Connection, call_id: int) -> DeskCall | None:
    """One press of the button with its communication record."""
    row = connection.execute(_CALL, {"call_id": call_id}).one_or_none()
    return None if row is None else DeskCall(**row._mapping)


def answer(connection: sa.Connection, call_id: int, values: Mapping[str, Any]) -> bool:
    """Keep the answer to an intent; False when it has one already."""
    waiting = sa.and_(_press.id == call_id, _press.outcome.is_(None))
    return connection.execute(desk_calls.update().where(waiting).values(**values)).rowcount == 1


def note(connection: sa.Connection, call_id: int, *, result: str, remark: str, now: dt.datetime) -> None:
    """Keep what the collector says came of a call."""
    values = {"result": result, "remark": remark, "noted_at": now}
    connection.execute(desk_calls.update().where(_press.id == call_id).values(**values))


def record_of_intent(connection: sa.Connection, seat: Seat, case_id: int, since: dt.datetime) -> RecordOfIntent | None:
    """The communication record that an unanswered intent led to; None when no call was opened."""
    values = {"tenant_id": seat.tenant_id, "collector_id": seat.collector_id, "case_id": case_id}
    row = connection.execute(_RECORD_OF_INTENT, {**values, "since": since}).one_or_none()
    return None if row is None else RecordOfIntent(*row)


def calls_of_case(connection: sa.Connection, case_id: int, *, limit: int = 20) -> list[DeskCall]:
    """The presses about one case, the newest first."""
    ids = sa.select(_press.id).where(_press.case_id == case_id).order_by(_press.id.desc()).limit(limit)
    found = [call(connection, call_id) for call_id in connection.execute(ids).scalars()]
    return [one for one in found if one is not None]


def _is(seat: Seat) -> sa.ColumnElement[bool]:
    return sa.and_(_desk.tenant_id == seat.tenant_id, _desk.collector_id == seat.collector_id)
