"""An id of a call record is of one day: what a day's read brings is taken away from the other days.

PostgreSQL keeps a key of a partitioned table for each partition by itself, so the key (id, date) cannot promise that.
Whoever stores a day holds the lock of all ids from before its first row to its commit, and looks at the other days only
then: of two days that bring the same id at the same time, the one that is stored later has it.

Ids grow with time, so that the ranges of two days hardly overlap: the look costs two probes of the key of each partition.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_stats.tables import call_records
from calling_pipeline.database import locks, partitions
from calling_pipeline.database.sql import load

_TAKE = "call_stats/other_days/take_from_other_day"
_STAGED_RANGE = load("call_stats/other_days/staged_id_range")


def hold_ids(connection: sa.Connection) -> None:
    """Wait until no other session stores a day, and keep it so until the transaction ends."""
    locks.hold(connection, "call_stats", "record ids")


def take_from_other_days(connection: sa.Connection, day: dt.date) -> int:
    """Delete the staged ids from every day but `day`; returns how many there were. The caller holds the ids."""
    low, high = connection.execute(_STAGED_RANGE).one()
    others = [one.name for one in partitions.partitions_of(connection, call_records.name) if not one.is_of(day)]
    if low is None or not others:
        return 0
    ranges = connection.execute(sa.union_all(*map(_range_of, others))).all()
    overlapping = [row for row in ranges if row.first is not None and row.first <= high and low <= row.last]
    return sum(
        connection.execute(load(_TAKE, partition=row.name), {"day": day, "first": row.first, "last": row.last}).rowcount
        for row in overlapping
    )


def _range_of(partition: str) -> sa.Select[str, Any, Any]:
    """The first and the last id of a partition, by two probes of its key; None when it is empty."""
    number = sa.table(partition, sa.column("id", sa.BigInteger)).c.id
    name: sa.Label[str] = sa.literal_column(f"'{partition}'", sa.Text).label("name")
    return sa.select(name, sa.func.min(number).label("first"), sa.func.max(number).label("last"))
