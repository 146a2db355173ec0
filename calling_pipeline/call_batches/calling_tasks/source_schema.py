"""What the database has: a source is checked against its catalogue, by value, before its names are ever quoted into SQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.call_batches.records import Source
from calling_pipeline.errors import Forbidden, InvalidInput, UnknownIdentifier

SHOWN = 20

SCHEMAS = sa.text("""
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
""")

TABLES = sa.text("""
SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE nspname = :schema AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname
""")

COLUMNS = sa.text("""
SELECT attname, atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AS is_integer,
       has_column_privilege(class.oid, attnum, 'SELECT') AS readable
FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE nspname = :schema AND relname = :table AND attnum > 0 AND NOT attisdropped ORDER BY attnum
""")


def check_source(connection: sa.Connection, source: Source) -> frozenset[str]:
    """Check that schema, table and every mapped column exist and may be read; returns the integer columns among them.

    Raises `UnknownIdentifier` that names what is missing and lists what there is, `Forbidden` without the right to read.
    """
    schemas = list(connection.execute(SCHEMAS).scalars())
    _require("schema", source.schema, schemas, "the database has", field="source_schema")
    tables = list(connection.execute(TABLES, {"schema": source.schema}).scalars())
    _require("table", source.table, tables, f"schema {source.schema} has", field="source_table")
    rows = connection.execute(COLUMNS, {"schema": source.schema, "table": source.table}).all()
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
