"""SQL of the task ledger. It never commits; what the checks judge is gathered in `facts/store.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypedDict

import sqlalchemy as sa

from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.prepared import Prepared
from calling_pipeline.database.sql import load
from calling_pipeline.task_ledger.records import Refusal, Saved, State, Task, Usage
from calling_pipeline.task_ledger.tables import task_charges, task_ledger, task_refusals, task_usage

_SAVE = Prepared(load("task_ledger/save"))
_USAGE = load("task_ledger/usage")
_TASKS = sa.select(
    task_ledger.c.task_id,
    task_ledger.c.feature,
    task_ledger.c.state,
    task_ledger.c.credits,
    task_ledger.c.free,
    task_charges.c.credits.label("charged"),
    task_ledger.c.details,
    task_ledger.c.created_at,
    task_ledger.c.created_by,
    task_ledger.c.updated_at,
    task_ledger.c.updated_by,
    task_ledger.c.finished_at,
    task_ledger.c.saves,
).outerjoin(task_charges, task_charges.c.task_id == task_ledger.c.task_id)
_REFUSALS = sa.select(
    task_refusals.c.task_id,
    task_refusals.c.kind,
    task_refusals.c.from_state,
    task_refusals.c.to_state,
    task_refusals.c.credits,
    task_refusals.c.reason,
    task_refusals.c.refused_by,
    task_refusals.c.refused_at,
)


class SaveValues(TypedDict):
    """What `save_task` takes, validated; `details` is a JSON object as text."""

    task_id: str
    feature: str
    state: State
    credits: int | None
    free: bool | None
    charge_key: str | None
    details: str
    by: str
    now: dt.datetime


def save(connection: sa.Connection, values: SaveValues) -> Saved:
    """Run the function that saves a task."""
    row = _SAVE.one(driver_connection(connection), values)
    assert row is not None
    return Saved(*row)


def task(connection: sa.Connection, task_id: str) -> Task | None:
    """One task, None when the ledger does not know it."""
    row = connection.execute(_TASKS.where(task_ledger.c.task_id == task_id)).one_or_none()
    return Task(**row._mapping) if row else None


def tasks(connection: sa.Connection, *, feature: str | None, state: str | None, limit: int) -> list[Task]:
    """The newest tasks, optionally of one feature or in one state."""
    query = _TASKS.order_by(task_ledger.c.created_at.desc(), task_ledger.c.task_id).limit(limit)
    if feature is not None:
        query = query.where(task_ledger.c.feature == feature)
    if state is not None:
        query = query.where(task_ledger.c.state == state)
    return [Task(**row._mapping) for row in connection.execute(query)]


def refusals(connection: sa.Connection, *, task_id: str | None = None, limit: int = 100) -> list[Refusal]:
    """The newest refusals, optionally of one task."""
    query = _REFUSALS.order_by(task_refusals.c.id.desc()).limit(limit)
    if task_id is not None:
        query = query.where(task_refusals.c.task_id == task_id)
    return [Refusal(**row._mapping) for row in connection.execute(query)]


def usage(connection: sa.Connection, first: dt.datetime, until: dt.datetime) -> list[Usage]:
    """Tasks and credits per day and feature between two instants (half-open), counted from the ledger itself."""
    return [Usage(**row._mapping) for row in connection.execute(_USAGE, {"first": first, "until": until})]


def replace_usage(connection: sa.Connection, day: dt.date, rows: Sequence[Usage], now: dt.datetime) -> None:
    """Replace the rows of one day in `task_usage`."""
    connection.execute(sa.delete(task_usage).where(task_usage.c.date == day))
    if rows:
        connection.execute(sa.insert(task_usage), [{**vars(row), "calculated_at": now} for row in rows])
