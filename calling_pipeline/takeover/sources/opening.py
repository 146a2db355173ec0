"""What SOURCE is: a database URL, a SQLite file, or a folder of CSV and JSON files."""

from __future__ import annotations

import re
from pathlib import Path

from calling_pipeline.errors import InvalidInput
from calling_pipeline.takeover.sources.folder import FolderSource
from calling_pipeline.takeover.sources.records import Source
from calling_pipeline.takeover.sources.store_database import DatabaseSource, engine_of

_MAY_BE_A_URL = re.compile(r":.*@")
"""A URL that was mistyped may hold a password, which is never repeated."""
_SQLITE = b"SQLite format 3\x00"


def open_source(given: str) -> Source:
    """Open the old system for reading. Raises `InvalidInput` for what is neither, and where it cannot be opened."""
    text = given.strip()
    if "://" in text:
        return DatabaseSource(engine_of(text))
    path = Path(text).expanduser()
    if path.is_dir():
        return FolderSource(path.resolve())
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                return DatabaseSource(engine_of(f"sqlite:///{path.resolve()}"))
        raise InvalidInput(f"{path.name} is no SQLite database; name the folder of the CSV and JSON files")
    shown = f"no {path}" if not _MAY_BE_A_URL.search(text) else "no such file, and it is no URL either"
    raise InvalidInput(
        f"there is {shown}; SOURCE is a database URL (mysql://, postgresql://, sqlite:///) or a folder of CSV and JSON files"
    )
