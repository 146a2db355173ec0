"""The way back: what this system did since an instant, in the form of the old tables, one file for each.

Everything is read in one transaction and written row by row; `counts.json` says what each file has, and that the files have
all of it. A number of a collector's call is kept here masked and as a hash only, so that file has it masked.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import CallingError, InvalidInput
from calling_pipeline.runtime import Runtime
from calling_pipeline.takeover.export import loading, store

BEGINNING = dt.datetime(2000, 1, 1, tzinfo=days.SHANGHAI)
COUNTS = "counts.json"


@dataclass(frozen=True)
class Exported:
    """One export: rows by file. `since` as asked."""

    folder: Path
    since: dt.datetime | None
    at: dt.datetime
    files: dict[str, int]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(self.files.values())


def export(runtime: Runtime, folder: Path, *, since: dt.datetime | None = None, by: str) -> Exported:
    """Write what was done since `since` (all of it without) into an empty folder, for its user alone.

    The call history has whole numbers: without them the old system would call everybody again. Raises `InvalidInput` for a
    folder that is not empty, and `CallingError` when a file does not have every row.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{folder} cannot be made: {error.strerror}; name an empty folder that this account may write"
        ) from None
    if any(folder.iterdir()):
        raise InvalidInput(f"{folder} is not empty; name an empty folder")
    at, files, headers = days.now(), dict[str, int](), dict[str, list[str]]()
    with runtime.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        values = {"since": since or BEGINNING}
        for name in store.NAMES:
            rows = store.rows(connection, name, values)
            headers[name] = rows[0]
            files[f"{name}.csv"] = _write_csv(folder / f"{name}.csv", rows)
            if files[f"{name}.csv"] != store.count(connection, name, values):
                raise CallingError(f"{name}.csv does not have every row; export again into an empty folder")
        for name in store.FLAGS:
            flags = dict(store.flags(connection, name, values))
            files[f"{name}.json"] = len(flags)
            with _private(folder / f"{name}.json") as file:
                json.dump(flags, file, ensure_ascii=False, indent=1)
        after: dict[str, Any] = {"folder": str(folder), "since": since.isoformat() if since else None, "rows": files}
        note_act(connection, "takeover.export", "takeover:export", by=by, after=after)
    with _private(folder / loading.SCRIPT) as file:
        file.write(loading.script(headers))
    with _private(folder / COUNTS) as file:
        json.dump({**after, "at": at.isoformat()}, file, ensure_ascii=False, indent=1)
    return Exported(folder, since, at, files)


def _write_csv(path: Path, rows: tuple[list[str], Iterator[tuple[Any, ...]]]) -> int:
    header, found = rows
    written = 0
    with _private(path) as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in found:
            writer.writerow([_plain(value) for value in row])
            written += 1
    return written


def _private(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")


def _plain(value: Any) -> Any:
    """As the old tables have it: wall clock of Shanghai, JSON as text."""
    if isinstance(value, dt.datetime):
        return days.wall_clock(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value
