"""SQL of the calling tasks."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline.call_batches.records import CallingTask, Source
from calling_pipeline.errors import Conflict, NotFound

_COLUMNS = """id, name, cron, source_schema, source_table, mobile_phone, staff_name, sys_name, order_type, order_nums,
enabled, remark, recall_days, rate_per_s, policy, ticks_from"""

INSERT = sa.text("""
INSERT INTO calling_tasks (name, cron, source_schema, source_table, mobile_phone, staff_name, sys_name, order_type,
    order_nums, enabled, remark, recall_days, rate_per_s, policy, ticks_from, created_at, updated_at)
VALUES (:name, :cron, :source_schema, :source_table, :mobile_phone, :staff_name, :sys_name, :order_type, :order_nums,
    :enabled, :remark, :recall_days, :rate_per_s, CAST(:policy AS jsonb), :now, :now, :now)
""")

UPDATE = sa.text("""
UPDATE calling_tasks SET (name, source_schema, source_table, mobile_phone, staff_name, sys_name, order_type, order_nums,
    remark, recall_days, rate_per_s, policy, updated_at) = (:name, :source_schema, :source_table, :mobile_phone,
    :staff_name, :sys_name, :order_type, :order_nums, :remark, :recall_days, :rate_per_s, CAST(:policy AS jsonb), :now),
    ticks_from = CASE WHEN cron <> :cron OR (:enabled AND NOT enabled) THEN :now ELSE ticks_from END,
    cron = :cron, enabled = :enabled
WHERE id = :id
""")
"""A new cron, or a task switched on again, counts from now: an edit never fires a tick that is already past."""

BY_NAME = sa.text(f"SELECT {_COLUMNS} FROM calling_tasks WHERE name = :name")  # noqa: S608  # a constant of this file
LOCKED = sa.text(f"SELECT {_COLUMNS} FROM calling_tasks WHERE name = :name FOR UPDATE")  # noqa: S608
ALL = sa.text(f"SELECT {_COLUMNS} FROM calling_tasks ORDER BY name")  # noqa: S608
NAMES = sa.text("SELECT name FROM calling_tasks ORDER BY name LIMIT 20")
DELETE = sa.text("DELETE FROM calling_tasks WHERE id = :id")


def insert(connection: sa.Connection, values: Mapping[str, Any], now: dt.datetime) -> None:
    """Add a calling task; `Conflict` when the name is taken."""
    with _unique_name(str(values["name"])):
        connection.execute(INSERT, {**values, "policy": json.dumps(values["policy"]), "now": now})


def update(connection: sa.Connection, task_id: int, values: Mapping[str, Any], now: dt.datetime) -> None:
    """Replace a calling task's values; `Conflict` when the new name is taken."""
    with _unique_name(str(values["name"])):
        connection.execute(UPDATE, {**values, "policy": json.dumps(values["policy"]), "now": now, "id": task_id})


def by_name(connection: sa.Connection, name: str, *, lock: bool = False) -> CallingTask:
    """The calling task of that name; `NotFound` lists those there are."""
    row = connection.execute(LOCKED if lock else BY_NAME, {"name": name}).one_or_none()
    if row is None:
        known = ", ".join(connection.execute(NAMES).scalars()) or "none yet"
        raise NotFound(f"there is no calling task {name[:60]!r}; there are: {known}")
    return _task(row)


def all_tasks(connection: sa.Connection) -> list[CallingTask]:
    """Every calling task by name."""
    return [_task(row) for row in connection.execute(ALL)]


def delete(connection: sa.Connection, task_id: int) -> None:
    """Remove a calling task; `Conflict` when it has batches, whose record must stay explained."""
    try:
        with connection.begin_nested():
            connection.execute(DELETE, {"id": task_id})
    except IntegrityError as error:
        if "fk_call_batches_calling_task" not in str(error.orig):
            raise
        raise Conflict("the calling task has batches and stays with them; disable it instead") from error


class _unique_name:  # noqa: N801  # reads as the statement it guards
    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and "uq_calling_tasks_name" in str(error.orig):
            raise Conflict(f"there is a calling task {self._name[:60]!r} already") from error


def _task(row: Any) -> CallingTask:
    source = Source(
        row.source_schema, row.source_table, row.mobile_phone, row.staff_name, row.sys_name, row.order_type, row.order_nums
    )
    return CallingTask(
        row.id, row.name, row.cron, source, row.enabled, row.remark, row.recall_days, row.rate_per_s, row.policy,
        row.ticks_from,
    )  # fmt: skip
