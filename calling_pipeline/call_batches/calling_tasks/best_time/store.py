"""SQL of the best time to call that planning and editing need. It never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks.best_time.records import Arm, BestTime, Rates
from calling_pipeline.call_batches.calling_tasks.best_time.tables import best_time_rates
from calling_pipeline.call_batches.tables import call_batches
from calling_pipeline.database.sql import load

PROVINCES = load("call_batches/planning/provinces")
PLACE = load("call_batches/planning/place")
BEGIN = load("call_batches/calling_tasks/best_time/begin")


def begin(connection: sa.Connection, calling_task_id: int, since: dt.date) -> None:
    """It is switched on from `since`; what was proven or switched off before counts no more."""
    connection.execute(BEGIN, {"calling_task_id": calling_task_id, "since": since})


def rates_of(connection: sa.Connection, calling_task_id: int) -> Rates:
    """What is known of the hours of a calling task; nothing at first."""
    r = best_time_rates.c
    query = sa.select(r.weekday, r.hour, r.province, r.alpha, r.beta).where(r.calling_task_id == calling_task_id)
    return Rates({(row.weekday, row.hour, row.province): (row.alpha, row.beta) for row in connection.execute(query)})


def provinces(connection: sa.Connection, batch_id: int) -> list[tuple[int, str]]:
    """(call, province of its number, empty when unknown) of the calls to be made, in the source's order."""
    return [(row.id, row.province) for row in connection.execute(PROVINCES, {"batch_id": batch_id})]


def place(connection: sa.Connection, places: Sequence[tuple[int, Arm, dt.datetime]], now: dt.datetime) -> int:
    """Give calls their arm and hour; returns how many got one."""
    values = {
        "ids": [one[0] for one in places],
        "arms": [one[1] for one in places],
        "slots": [one[2] for one in places],
        "now": now,
    }
    return connection.execute(PLACE, values).rowcount


def note_order(
    connection: sa.Connection, batch_id: int, wanted: BestTime, *, slots: int, exploring: int, placed: int
) -> None:
    """Keep how a batch was ordered. `chance`: of each call to explore; the draw's seed is the batch's id."""
    how = {**wanted.document, "slots": slots, "placed": placed, "exploring": exploring, "chance": wanted.explore}
    connection.execute(sa.update(call_batches).where(call_batches.c.id == batch_id).values(best_time=how))
