"""The SQL of a rotation. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa

from calling_pipeline.backups.key_rotation.sealed import SealedColumn
from calling_pipeline.call_stats.tables import call_records, held_call_records
from calling_pipeline.database.sql import load_driver
from calling_pipeline.telephony.billing.tables import infinity_bills
from calling_pipeline.telephony.calls.tables import communication_records
from calling_pipeline.telephony.desk.cases.tables import collector_cases

READ_AT_ONCE = 10_000
_CREATE = load_driver("backups/key_rotation/create_new_hashes")
_KNOWN = load_driver("backups/key_rotation/known_numbers")
HASHED: Sequence[tuple[sa.Table, str, str]] = (
    (call_records, "phone_hash", "date"),
    (held_call_records, "phone_hash", "called_at"),
    (communication_records, "destination_hash", "started_at"),
    (infinity_bills, "destination_hash", "started_at"),
    (collector_cases, "phone_hash", "created_at"),
)
"""Hashes whose number is kept nowhere beside them, also once their person was erased: table, column, and the column of time
that chunks are made by."""


def next_rows(connection: sa.Connection, one: SealedColumn, after: Sequence[Any] | None, limit: int) -> list[Any]:
    """The rows that follow `after` in the order of the primary key, locked; those without a value are passed over."""
    keys, table = one.keys, one.table
    wanted = {column.name: column for column in (*keys, table.c[one.column], *(table.c[name] for name in one.needs))}
    query = sa.select(*wanted.values()).where(table.c[one.column].is_not(None)).order_by(*keys).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(*keys) > sa.tuple_(*map(sa.literal, after)))
    return list(connection.execute(query.with_for_update()))


def put(connection: sa.Connection, one: SealedColumn, row: Any, values: dict[str, bytes]) -> None:
    """Write the new values of a row that is locked."""
    same = [column == row._mapping[column.name] for column in one.keys]
    connection.execute(sa.update(one.table).where(*same).values(values))


def create_new_hashes(driver: psycopg.Connection[Any]) -> None:
    """Make the empty table of old and new hashes; it ends with the session."""
    driver.execute(_CREATE)


def known_numbers(driver: psycopg.Connection[Any]) -> Iterator[list[str]]:
    """Every number that some room holds in full, once, in chunks."""
    with driver.cursor(name="known_numbers") as cursor:
        cursor.execute(_KNOWN)
        while rows := cursor.fetchmany(READ_AT_ONCE):
            yield [str(row[0]) for row in rows]


def add_new_hashes(driver: psycopg.Connection[Any], hashes: Iterable[tuple[bytes, bytes]]) -> None:
    """Add (old hash, new hash) to the table."""
    with driver.cursor() as cursor, cursor.copy("COPY new_hashes (old, new) FROM STDIN") as copy:
        for row in hashes:
            copy.write_row(row)


def days_of(connection: sa.Connection, table: sa.Table, time: str) -> list[dt.date]:
    """The days that have rows, oldest first."""
    day = sa.cast(table.c[time], sa.Date)
    return list(connection.execute(sa.select(day).distinct().order_by(day)).scalars())


def rehash_day(connection: sa.Connection, table: sa.Table, column: str, time: str, day: dt.date) -> int:
    """Replace the old hashes of one day by the new ones; returns how many rows."""
    known = sa.table("new_hashes", sa.column("old", sa.LargeBinary), sa.column("new", sa.LargeBinary))
    in_day = sa.cast(table.c[time], sa.Date) == day if table is not call_records else table.c[time] == day
    changed = sa.update(table).values({column: known.c.new}).where(table.c[column] == known.c.old, in_day)
    return connection.execute(changed).rowcount


def oldest(connection: sa.Connection, table: sa.Table, time: str) -> dt.date | None:
    """The first day that has rows."""
    return connection.execute(sa.select(sa.cast(sa.func.min(table.c[time]), sa.Date))).scalar_one()
