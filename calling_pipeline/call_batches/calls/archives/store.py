"""SQL of the archives. It never commits: rows go in the transaction that says where they are."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.calls.archives.tables import archived_batches
from calling_pipeline.call_batches.calls.tables import call_tasks
from calling_pipeline.database.sql import load

_DUE = load("call_batches/calls/archives/due")
_ROWS = load("call_batches/calls/archives/left_out_rows")
_ADD = load("call_batches/calls/archives/add")
_a = archived_batches.c


def next_due(connection: sa.Connection, first_kept: dt.date, *, after: int) -> tuple[int, dt.date] | None:
    """The next closed batch of a day before `first_kept` with rows that were left out, and its day; None without one."""
    row = connection.execute(_DUE, {"first_kept": first_kept, "after": after}).one_or_none()
    return (row.id, row.day) if row is not None else None


def left_out(connection: sa.Connection, batch_id: int, *, limit: int) -> list[dict[str, Any]]:
    """The batch's first rows that were left out, locked until the transaction ends."""
    return [dict(row) for row in connection.execute(_ROWS, {"batch_id": batch_id, "limit": limit}).mappings()]


def drop_rows(connection: sa.Connection, ids: Sequence[int]) -> int:
    """Delete rows that were left out; returns how many there were."""
    t = call_tasks.c
    mine = t.id == sa.any_(sa.bindparam("ids", list(ids), type_=sa.ARRAY(sa.BigInteger)))
    return connection.execute(sa.delete(call_tasks).where(mine, t.state == "skipped")).rowcount


def add(connection: sa.Connection, batch_id: int, file: str, reasons: Mapping[str, int], now: dt.datetime) -> None:
    """Keep that rows of the batch are in `file`, by the reason why they were left out."""
    values = {"batch_id": batch_id, "file": file, "rows": sum(reasons.values()), "now": now}
    connection.execute(_ADD, {**values, "reasons": json.dumps(reasons)})


def reasons_of(connection: sa.Connection, batch_id: int) -> Mapping[str, int]:
    """Archived rows of a batch by the reason why they were left out, none when it is not archived."""
    found = connection.execute(sa.select(_a.reasons).where(_a.batch_id == batch_id)).scalar_one_or_none()
    return found or {}


def files(connection: sa.Connection) -> Sequence[str]:
    """The names of all files that hold rows, the newest month first."""
    return connection.execute(sa.select(_a.file).distinct().order_by(_a.file.desc())).scalars().all()
