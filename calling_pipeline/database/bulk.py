"""Many rows at once: COPY into a table."""

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


@contextmanager
def copy_stream(connection: sa.Connection, table: str, columns: Sequence[str]) -> Iterator[Callable[[str | bytes], None]]:
    """A COPY that stays open within the block; the function given takes chunks in PostgreSQL's text format."""
    with driver_connection(connection).cursor() as cursor, cursor.copy(_copy_statement(table, columns)) as copy:
        yield copy.write


def _copy_statement(table: str, columns: Sequence[str]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*table.split(".")), names)
