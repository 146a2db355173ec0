"""Moves rows that were left out of old, closed batches into encrypted month files, and finds and erases them there.

Rows of calls stay in the database: results, log and history are about them. A slice of rows is written, read back, compared,
and only then deleted, in the transaction that keeps where it is; a run that ends anywhere is gone on with by the next.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.calls.archives import store
from calling_pipeline.call_batches.calls.archives.store_files import Keys, MonthFile, Row
from calling_pipeline.database import locks
from calling_pipeline.errors import ConfigurationError, Conflict

SLICE = 50_000
"""Rows of a transaction: no plan is made and nobody is erased while it lasts."""
LEAST_DAYS = 90
"""As long as call records are kept: until then people still look through the rows of a batch."""
Transaction = Callable[[], AbstractContextManager[sa.Connection]]


@dataclass(frozen=True)
class Archives:
    """The folder of month files, their keys, and after how many days rows go there; 0: never."""

    folder: Path
    keys: Keys
    after_days: int

    def file(self, name: str) -> MonthFile:
        return MonthFile(self.folder / name, self.keys)


@dataclass(frozen=True)
class Archived:
    """What a run moved."""

    batches: int
    rows: int


def archive_due(transaction: Transaction, archives: Archives, *, today: dt.date) -> Archived:
    """Move what is due. Raises `Conflict` when a file does not hold what was written, `ConfigurationError` without a folder.

    What was moved until then is in the files, everything else is in the database.
    """
    if not archives.after_days:
        return Archived(0, 0)
    if archives.after_days < LEAST_DAYS:
        raise ConfigurationError(
            f"CALLING_ARCHIVE_AFTER_DAYS is {archives.after_days}; rows stay in the database for {LEAST_DAYS} days at least"
        )
    try:
        archives.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"the folder of CALLING_ARCHIVE_DIR cannot be made: {error.strerror}") from error
    first_kept, batches, rows = today - dt.timedelta(days=archives.after_days), 0, 0
    after = 0
    while (moved := _move_slice(transaction, archives, first_kept, after)) is not None:
        batches += moved.batch_id != after
        rows += moved.rows
        after = moved.batch_id
    return Archived(batches, rows)


@dataclass(frozen=True)
class _Moved:
    batch_id: int
    rows: int


def _move_slice(transaction: Transaction, archives: Archives, first_kept: dt.date, after: int) -> _Moved | None:
    """The next slice: of the batch `after`, or of the next one."""
    with transaction() as connection:
        locks.hold(connection, "call batches", "planning")  # an erasure holds it, too: it finds a row here or there
        due = store.next_due(connection, first_kept, after=after - 1)
        if due is None:
            return None
        batch_id, day = due
        rows = store.left_out(connection, batch_id, limit=SLICE)
        name = f"rows_{day:%Y-%m}.sqlite"
        file = archives.file(name)
        file.put(batch_id, rows)
        if file.slice_of(batch_id, rows[0]["id"]) != rows:
            raise Conflict(f"{name} does not hold what was written into it; rows of batch {batch_id} stay in the database")
        if store.drop_rows(connection, [row["id"] for row in rows]) != len(rows):
            raise Conflict(f"rows of batch {batch_id} changed while they were archived; they stay in the database")
        reasons = Counter(str(row["reason"]) for row in rows)
        store.add(connection, batch_id, name, reasons, now=days.now())
        return _Moved(batch_id, len(rows))


def find(connection: sa.Connection, archives: Archives, phone: str, *, digits: str = "") -> list[Row]:
    """The archived rows of a canonical number, newest first; with `digits` also those whose text contains these.

    Raises `SecretUnreadable` when a file was sealed with another key.
    """
    found = [row for file in _files(connection, archives) for row in file.offered(phone, _about(phone, digits))]
    return sorted(found, key=lambda row: int(row["id"]), reverse=True)


def erase(connection: sa.Connection, archives: Archives, phone: str, *, token: str, digits: str) -> int:
    """Make `token` of the number in every file, and empty what was written beside it; returns how many rows.

    The caller holds the lock of planning. Files are changed at once, also when the caller's transaction fails.
    """
    about = _about(phone, digits)

    def erased(row: Row) -> Row | None:
        if not about(row):
            return None
        return {**row, "phone": token if row["phone"] is not None else None, "raw": None, "row_key": None}

    return sum(file.change(phone, erased) for file in _files(connection, archives))


def _files(connection: sa.Connection, archives: Archives) -> Iterator[MonthFile]:
    """Those the database knows of; one that is not there is an error, not an empty one."""
    for name in store.files(connection):
        if not (archives.folder / name).exists():
            raise ConfigurationError(
                f"the archive {name} is not in {archives.folder}; set CALLING_ARCHIVE_DIR to its folder or restore it"
            )
        yield archives.file(name)


def _about(phone: str, digits: str) -> Callable[[Row], bool]:
    def about(row: Row) -> bool:
        if row["phone"] is not None:
            return bool(row["phone"] == phone)
        return bool(digits and row["raw"] and digits in re.sub(r"\D", "", row["raw"]))

    return about
