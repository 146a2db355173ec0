"""The SQL that brings phone hashes forward. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

import psycopg
import sqlalchemy as sa

from calling_pipeline.call_stats.tables import call_records
from calling_pipeline.database.sql import load, load_driver

CHUNK = 5000

_CREATE_OLDER_HASHES = load("call_stats/older_hashes/create_older_hashes")
_KNOWN_NUMBERS = load_driver("call_stats/older_hashes/known_numbers")
_REPLACE_HASHES = load("call_stats/older_hashes/replace_hashes")
_DAYS_WITH_OLDER_HASHES = load("call_stats/older_hashes/days_with_older_hashes")
_DAYS_NOT_READ_SINCE = load("call_stats/older_hashes/days_not_read_since")


def has_call_records(connection: sa.Connection) -> bool:
    """Whether there is any call record."""
    return bool(connection.execute(sa.select(sa.select(call_records.c.id).exists())).scalar_one())


def create_older_hashes(connection: sa.Connection) -> None:
    """Make the empty table of older hashes; it is dropped when the transaction ends."""
    connection.execute(_CREATE_OLDER_HASHES)


def known_numbers(driver: psycopg.Connection[tuple[object, ...]]) -> Iterator[list[str]]:
    """Every number that some room holds in full, once, in chunks."""
    with driver.cursor(name="known_numbers") as cursor:
        cursor.execute(_KNOWN_NUMBERS)
        while rows := cursor.fetchmany(CHUNK):
            yield [str(row[0]) for row in rows]


def add_older_hashes(driver: psycopg.Connection[tuple[object, ...]], hashes: Iterable[tuple[bytes, bytes, str]]) -> None:
    """Add (older hash, canonical hash, canonical number masked) to the table of older hashes."""
    with driver.cursor() as cursor, cursor.copy("COPY older_hashes (older, canonical, masked) FROM STDIN") as copy:
        for row in hashes:
            copy.write_row(row)


def replace_hashes(connection: sa.Connection) -> int:
    """Replace the older hashes of call records; returns how many rows."""
    return connection.execute(_REPLACE_HASHES).rowcount


def days_with_older_hashes(connection: sa.Connection, series: AbstractSet[str]) -> list[dt.date]:
    """Days whose call records show a phone that is not canonical; `series`: first three digits of mobiles."""
    return list(connection.execute(_DAYS_WITH_OLDER_HASHES, {"series": sorted(series)}).scalars())


def days_not_read_since(connection: sa.Connection, days: Sequence[dt.date], since: dt.datetime) -> list[dt.date]:
    """Those of `days` that still have call records and were not read in full since."""
    return list(connection.execute(_DAYS_NOT_READ_SINCE, {"days": list(days), "since": since}).scalars())
