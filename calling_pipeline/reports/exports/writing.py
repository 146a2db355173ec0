"""Writes a large export: one snapshot read day by day through a cursor of the server, in constant memory.

The file is written beside and renamed when it is whole, so that a process that is killed leaves nothing that is offered. The
reading session holds the export's lock; when it is gone, the export is begun again.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from calling_pipeline import days, sheets
from calling_pipeline.database import locks
from calling_pipeline.errors import Busy, CallingError, Conflict
from calling_pipeline.reports import documents
from calling_pipeline.reports import store as reports
from calling_pipeline.reports.exports import store
from calling_pipeline.reports.exports.columns import COLUMNS, cells_of, heads_of
from calling_pipeline.reports.exports.records import Export, Wanted
from calling_pipeline.reports.files.excel import Raw, write_excel, write_raw

ATTEMPTS = 3
"""After so many processes that ended amid it an export fails."""
_NOTED_EVERY_S = 1.0
_BLOCK = 1 << 20
Progress = Callable[[int, int], None]
Transaction = Callable[[], AbstractContextManager[sa.Connection]]


@dataclass(frozen=True)
class Place:
    """Where files of exports lie, how long, and the names of agents."""

    folder: Path
    kept: timedelta
    agent_names: Mapping[str, str]


def write(
    engine: sa.Engine, transaction: Transaction, export_id: int, place: Place, *, progress: Progress | None = None
) -> Export:
    """Write the export and return it as it then stands: done, or failed with the reason.

    Raises `Busy` when another process writes it, `Conflict` when it is finished already.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as reading, reading.begin():
        if not locks.try_hold(reading, store.LOCK, export_id):
            raise Busy(f"another process writes export {export_id}")
        with transaction() as connection:
            export = store.begin(connection, export_id, days.now())
        if export is None:
            raise Conflict(f"export {export_id} is finished already")
        try:
            if export.attempts > ATTEMPTS:
                raise Conflict(f"its process ended {ATTEMPTS} times before it was done")
            _written(reading, transaction, export, place, progress or (lambda rows, expected: None))
        except (CallingError, OSError) as error:
            (place.folder / _part_of(export)).unlink(missing_ok=True)
            reason = f"the file cannot be written: {error.strerror}" if isinstance(error, OSError) else str(error)
            with transaction() as connection:
                store.fail(connection, export_id, reason, days.now())
    with transaction() as connection:
        return store.by_id(connection, export_id)


def remove_expired(transaction: Transaction, folder: Path) -> int:
    """Remove files that expired, and what ended processes left; returns how many."""
    removed = 0
    with transaction() as connection:
        for export in store.expired(connection, days.now()):
            (folder / (export.file or "")).unlink(missing_ok=True)
            store.note_removed(connection, export.id)
            removed += 1
    for path in folder.glob("export-*") if folder.is_dir() else ():
        if _is_left(transaction, path):
            with suppress(FileNotFoundError):
                path.unlink()
                removed += 1
    return removed


def _is_left(transaction: Transaction, path: Path) -> bool:
    """Whether nobody writes the file and none that is offered is it."""
    number = path.name.removeprefix("export-").partition(".")[0]
    with transaction() as connection:
        held = number.isdigit() and locks.is_held(connection, store.LOCK, int(number))
        return not held and path.name not in store.offered_files(connection)


def _written(reading: sa.Connection, transaction: Transaction, export: Export, place: Place, progress: Progress) -> None:
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    expected = store.count_records(reading, export.wanted)
    counted = _Counted(transaction, export.id, expected, progress)
    name = _name_of(export)
    part = place.folder / _part_of(export)
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "r+b") as file:
        rows = counted.over(_rows(reading, export.wanted, place.agent_names))
        if export.wanted.report_id is not None:
            _, report = reports.by_id(reading, export.wanted.report_id)
            write_excel(report, export.wanted.language, file, raw=Raw("call_records", COLUMNS, rows))
        else:
            (_write_csv if export.wanted.format == "csv.gz" else _write_excel)(export, rows, file, place.folder)
        file.flush()
        os.fsync(file.fileno())
        size, digest = os.fstat(file.fileno()).st_size, _digest(file)
    os.replace(part, place.folder / name)
    now = days.now()
    with transaction() as connection:
        store.finish(
            connection, export.id, rows=counted.rows, file=name, size=size, digest=digest, now=now, until=now + place.kept
        )


def _name_of(export: Export) -> str:
    return f"export-{export.id}.{export.wanted.format}"


def _part_of(export: Export) -> str:
    return f"{_name_of(export)}.part"


class _Counted:
    """Counts rows as they pass and notes it about once per second."""

    def __init__(self, transaction: Transaction, export_id: int, expected: int, progress: Progress) -> None:
        self._transaction, self._export_id = transaction, export_id
        self._expected, self._progress, self.rows = expected, progress, 0
        self._note()

    def over(self, rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """The rows themselves."""
        noted = time.monotonic()
        for self.rows, row in enumerate(rows, start=1):
            yield row
            if self.rows % 1000 == 0 and time.monotonic() - noted >= _NOTED_EVERY_S:
                self._note()
                noted = time.monotonic()
        self._note()

    def _note(self) -> None:
        with self._transaction() as connection:
            store.note_rows(connection, self._export_id, self.rows, self._expected)
        self._progress(self.rows, self._expected)


def _rows(reading: sa.Connection, wanted: Wanted, names: Mapping[str, str]) -> Iterator[Sequence[Any]]:
    for day in days.day_range(wanted.first, wanted.last):
        for row in store.records_of(reading, wanted, day):
            yield cells_of(row, wanted.language, names)


def _write_csv(export: Export, rows: Iterator[Sequence[Any]], file: BinaryIO, folder: Path) -> None:
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        for block in sheets.csv_text(heads_of(export.wanted.language), rows):
            packed.write(block.encode())


def _write_excel(export: Export, rows: Iterator[Sequence[Any]], file: BinaryIO, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"export-{export.id}.", dir=folder) as parts:
        raw = Raw("call_records", COLUMNS, rows)
        title = documents.table_name("call_records", export.wanted.language)
        write_raw(raw, export.wanted.language, file, title=title, created=export.asked_at, folder=parts)


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    found = hashlib.sha256()
    while block := file.read(_BLOCK):
        found.update(block)
    return found.hexdigest()
