"""Checks a source against the database's catalogue and the settings, before its names are ever quoted into SQL.

A calling task reads nothing of ours: neither our tables nor a view over them, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.records import Source
from calling_pipeline.errors import Forbidden, InvalidInput, UnknownIdentifier

SHOWN = 20


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


def _require(kind: str, name: str, known: Sequence[str], where: str, *, field: str) -> None:
    if name in known:
        return
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    shown = ", ".join(known[:SHOWN]) or "none"
    raise UnknownIdentifier(f"there is no {kind} {str(name)[:63]!r}; {where}: {shown}{more}", field=field)
