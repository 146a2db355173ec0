"""Many rows at once: COPY into a table, and a temporary table shaped like a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg import sql

from calling_pipeline.database.engine import driver_connection


def copy_rows(connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """COPY `rows` (tuples in the order of `columns`) into `table`; returns how many. Consumes `rows` as a stream."""
    count = 0
    with driver_connection(connection).cursor() as cursor, cursor.copy(_copy_statement(table, columns)) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def copy_text(connection: sa.Connection, table: str, columns: Sequence[str], chunks: Iterable[str | bytes]) -> None:
    """COPY chunks already in PostgreSQL's text format; for hot paths that format whole pages themselves."""
    with driver_connection(connection).cursor() as cursor, cursor.copy(_copy_statement(table, columns)) as copy:
        for chunk in chunks:
            copy.write(chunk)


@contextmanager
def copy_stream(connection: sa.Connection, table: str, columns: Sequence[str]) -> Iterator[Callable[[str | bytes], None]]:
    """A COPY that stays open within the block; the function given takes chunks in PostgreSQL's text format."""
    with driver_connection(connection).cursor() as cursor, cursor.copy(_copy_statement(table, columns)) as copy:
        yield copy.write


def _copy_statement(table: str, columns: Sequence[str]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*table.split(".")), names)


def temporary_like(connection: sa.Connection, name: str, table: str, columns: Sequence[str]) -> None:
    """Create the temporary table `name` with `columns` of `table`, emptied and dropped at the transaction's end."""
    statement = sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*table.split("."))
    )
    driver_connection(connection).execute(statement)
