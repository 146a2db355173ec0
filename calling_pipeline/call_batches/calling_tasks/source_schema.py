"""Checks a source against the database's catalogue and the settings, before its names are ever quoted into SQL.

A calling task reads nothing of ours: neither our tables nor a view over them, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.records import Source
from calling_pipeline.errors import Forbidden, InvalidInput, UnknownIdentifier
from calling_pipeline.masking import mask_digits, mask_phone, mask_sample
from calling_pipeline.phones import read_phone

SHOWN = 20
LONGEST = 60
"""Characters shown of a sample's value."""


def check_source(connection: sa.Connection, source: Source, allowed: Sequence[str] = ()) -> frozenset[str]:
    """Check that schema, table and every mapped column exist and may be read; returns the integer columns among them.

    `allowed`: the schemas from which tasks may read; empty: all but ours and PostgreSQL's. Raises `UnknownIdentifier` that
    names what is missing and lists what there is in the allowed schemas, `Forbidden` for our own tables or without the
    right to read.
    """
    schemas = task_store.schemas(connection)
    schemas = [name for name in schemas if name in allowed] if allowed else schemas
    if source.schema not in schemas:
        raise UnknownIdentifier(
            f"calling tasks may not read from a schema {source.schema[:63]!r}, or there is none; they may read from:"
            f" {', '.join(schemas[:SHOWN]) or 'none'} (CALLING_SOURCE_SCHEMAS)",
            field="source_schema",
        )
    tables = task_store.tables(connection, source.schema)
    _require("table", source.table, tables, f"schema {source.schema} has", field="source_table")
    if task_store.reads_ours(connection, source.schema, source.table):
        raise Forbidden(
            f"{source.schema}.{source.table} is, or reads, a table of calling-pipeline or of PostgreSQL itself; a calling"
            " task reads only the customer's tables"
        )
    rows = task_store.columns(connection, source.schema, source.table)
    names = [row.attname for row in rows]
    if not source.mobile_phone:
        raise InvalidInput("mobile_phone has no column; every call needs a number", field="mobile_phone")
    for field, column in source.columns.items():
        _require("column", column, names, f"{source.schema}.{source.table} has", field=field)
    unreadable = [row.attname for row in rows if row.attname in source.columns.values() and not row.readable]
    if unreadable:
        raise Forbidden(
            f"the database role may not read {source.schema}.{source.table} ({', '.join(unreadable)}); grant it SELECT"
        )
    return frozenset(row.attname for row in rows if row.is_integer)


@dataclass(frozen=True)
class Choices:
    """What a source may be chosen from: the schemas allowed, the tables of one of them, the columns of one of its tables."""

    schemas: tuple[str, ...]
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def choices(connection: sa.Connection, schema: str, table: str, allowed: Sequence[str] = ()) -> Choices:
    """What there is to choose beneath `schema` and `table`; nothing beneath one that is not allowed or not there."""
    schemas = [name for name in task_store.schemas(connection) if not allowed or name in allowed]
    if schema not in schemas:
        return Choices(tuple(schemas))
    tables = task_store.tables(connection, schema)
    if table not in tables or task_store.reads_ours(connection, schema, table):
        return Choices(tuple(schemas), tuple(tables))
    columns = (row.attname for row in task_store.columns(connection, schema, table) if row.readable)
    return Choices(tuple(schemas), tuple(tables), tuple(columns))


def sample(
    connection: sa.Connection, source: Source, allowed: Sequence[str] = (), *, limit: int = 5
) -> list[dict[str, str]]:
    """Some rows of a source, as texts by field of a call; numbers masked wherever they stand. Raises as `check_source`."""
    check_source(connection, source, allowed)
    return [
        {field: _masked(field, value) for field, value in row.items()}
        for row in task_store.sample(connection, source, limit)
    ]


def _masked(field: str, value: str | None) -> str:
    if field != "mobile_phone":
        return mask_digits(value or "")[:LONGEST]
    phone = read_phone(value or "").phone
    return mask_phone(phone) if phone is not None else mask_sample(value or "")


def _require(kind: str, name: str, known: Sequence[str], where: str, *, field: str) -> None:
    if name in known:
        return
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    shown = ", ".join(known[:SHOWN]) or "none"
    raise UnknownIdentifier(f"there is no {kind} {str(name)[:63]!r}; {where}: {shown}{more}", field=field)
