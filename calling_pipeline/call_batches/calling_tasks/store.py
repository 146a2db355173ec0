"""SQL of the calling tasks, and what the catalogue says about their sources."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline.call_batches.calling_tasks.best_time.records import best_time_from
from calling_pipeline.call_batches.calling_tasks.records import CallingTask, Source
from calling_pipeline.call_batches.calling_tasks.redials.rules import documents_of, rules_from
from calling_pipeline.call_batches.calling_tasks.tables import calling_tasks
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.database.sql import load
from calling_pipeline.errors import Conflict, NotFound

INSERT = load("call_batches/calling_tasks/insert")
UPDATE = load("call_batches/calling_tasks/update")
SOURCE_COLUMNS = load("call_batches/calling_tasks/source_columns")
READS_OURS = load("call_batches/calling_tasks/reads_ours")
SCHEMAS = sa.text(
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    " AND oid <> (SELECT relnamespace FROM pg_class WHERE oid = 'call_batches'::regclass) ORDER BY nspname"
)
TABLES = sa.text(
    "SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace"
    " WHERE nspname = :schema AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname"
)

_t = calling_tasks.c


def insert(connection: sa.Connection, values: Mapping[str, Any], now: dt.datetime) -> None:
    """Add a calling task. Raises `Conflict` when the name is taken."""
    with _unique_name(str(values["name"])):
        connection.execute(INSERT, {**_stored(values), "now": now})


def update(connection: sa.Connection, task_id: int, values: Mapping[str, Any], now: dt.datetime) -> None:
    """Replace a calling task's values. Raises `Conflict` when the new name is taken."""
    with _unique_name(str(values["name"])):
        connection.execute(UPDATE, {**_stored(values), "now": now, "id": task_id})


def by_name(connection: sa.Connection, name: str, *, lock: bool = False) -> CallingTask:
    """The calling task of that name. Raises `NotFound`, which lists those there are."""
    query = sa.select(calling_tasks).where(_t.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        known = ", ".join(connection.execute(sa.select(_t.name).order_by(_t.name).limit(20)).scalars()) or "none yet"
        raise NotFound(f"there is no calling task {name[:60]!r}; there are: {known}")
    return _task(row)


def by_id(connection: sa.Connection, task_id: int) -> CallingTask:
    """The calling task of that id. Raises `NotFound`."""
    row = connection.execute(sa.select(calling_tasks).where(_t.id == task_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no calling task {task_id}; it may have been deleted")
    return _task(row)


def all_tasks(connection: sa.Connection) -> list[CallingTask]:
    """Every calling task by name."""
    return [_task(row) for row in connection.execute(sa.select(calling_tasks).order_by(_t.name))]


def delete(connection: sa.Connection, task_id: int) -> None:
    """Remove a calling task. Raises `Conflict` when it has batches, whose record must stay explained."""
    try:
        with connection.begin_nested():
            connection.execute(sa.delete(calling_tasks).where(_t.id == task_id))
    except IntegrityError as error:
        if violated_constraint(error) != "fk_call_batches_calling_task":
            raise
        raise Conflict("the calling task has batches and stays with them; disable it instead") from error


def schemas(connection: sa.Connection) -> list[str]:
    """The schemas of this database, without PostgreSQL's and the one that holds our own tables."""
    return list(connection.execute(SCHEMAS).scalars())


def tables(connection: sa.Connection, schema: str) -> list[str]:
    """The tables and views of a schema."""
    return list(connection.execute(TABLES, {"schema": schema}).scalars())


def reads_ours(connection: sa.Connection, schema: str, table: str) -> bool:
    """Whether a table stands in our own schema or in PostgreSQL's, or is a view that reads one there."""
    return bool(connection.execute(READS_OURS, {"schema": schema, "table": table}).scalar_one())


def columns(connection: sa.Connection, schema: str, table: str) -> list[sa.Row[tuple[str, bool, bool]]]:
    """The columns of a table or view: `attname`, `is_integer`, `readable`."""
    return list(connection.execute(SOURCE_COLUMNS, {"schema": schema, "table": table}))


def sample(connection: sa.Connection, source: Source, limit: int) -> list[Mapping[str, str | None]]:
    """The first rows of a source that was checked, as texts by field of a call, not masked."""
    shown = [sa.cast(sa.column(column), sa.Text).label(field) for field, column in source.columns.items()]
    some = sa.select(*shown).select_from(sa.table(source.table, schema=source.schema)).limit(limit)
    return [dict(row) for row in connection.execute(some).mappings()]


@contextmanager
def _unique_name(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if violated_constraint(error) != "uq_calling_tasks_name":
            raise
        raise Conflict(f"there is a calling task {name[:60]!r} already") from error


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    best_time = values["best_time"]
    return {
        **values,
        "policy": json.dumps(values["policy"]),
        "redial": json.dumps(documents_of(values["redial"])),
        "best_time": None if best_time is None else json.dumps(best_time.document),
    }


def _task(row: Any) -> CallingTask:
    source = Source(
        row.source_schema, row.source_table, row.mobile_phone, row.staff_name, row.sys_name, row.order_type, row.order_nums,
        row.row_key,
    )  # fmt: skip
    return CallingTask(
        row.id, row.name, row.cron, source, row.enabled, row.remark, row.recall_days, row.rate_per_s, row.policy,
        row.ticks_from, row.refused_days, row.expires_after_s, rules_from(row.redial), row.land_lines,
        best_time_from(row.best_time),
    )  # fmt: skip
