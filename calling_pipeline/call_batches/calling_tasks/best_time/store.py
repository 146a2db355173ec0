"""SQL of the best time to call: since when a calling task wants it, and what is known of its hours. It never commits."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks.best_time.records import Rates
from calling_pipeline.call_batches.calling_tasks.best_time.tables import best_time_rates
from calling_pipeline.database.sql import load

BEGIN = load("call_batches/calling_tasks/best_time/begin")


def begin(connection: sa.Connection, calling_task_id: int, since: dt.date) -> None:
    """It is switched on from `since`; what was proven or switched off before counts no more."""
    connection.execute(BEGIN, {"calling_task_id": calling_task_id, "since": since})


def rates_of(connection: sa.Connection, calling_task_id: int) -> Rates:
    """What is known of the hours of a calling task; nothing at first."""
    r = best_time_rates.c
    query = sa.select(r.weekday, r.hour, r.province, r.alpha, r.beta).where(r.calling_task_id == calling_task_id)
    return Rates({(row.weekday, row.hour, row.province): (row.alpha, row.beta) for row in connection.execute(query)})
