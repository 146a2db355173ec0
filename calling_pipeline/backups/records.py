"""What a backup holds, as its manifest says it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FORMAT = 1
"""Of the manifest; a restore of another one is refused."""

FileKind = Literal["ledger", "campaigns", "recording", "export", "archive", "home"]
DatabaseName = Literal["business", "dagster"]


@dataclass(frozen=True)
class DumpedDatabase:
    """One database: the file in the backup, its SHA-256, and how many rows each table had in the snapshot."""

    file: str
    sha256: str
    rows: Mapping[str, int]


@dataclass(frozen=True)
class SavedFile:
    """One file. `name`: where it stood, in its folder or, for a ledger, its whole path; `file`: its place in the backup."""

    kind: FileKind
    name: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A whole backup. What happened from `made_at` on is not in it.

    `revision`: of the business database. `key_print` tells keys apart and opens nothing; `key_file` holds the key, sealed
    with a passphrase, None when it is kept elsewhere.
    """

    made_at: dt.datetime
    program: str
    server: str
    revision: str
    databases: Mapping[DatabaseName, DumpedDatabase]
    files: tuple[SavedFile, ...]
    key_print: str
    key_file: str | None
    left_out: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(sum(one.rows.values()) for one in self.databases.values())

    @property
    def bytes(self) -> int:
        """Bytes of all files beside the databases."""
        return sum(one.bytes for one in self.files)


@dataclass(frozen=True)
class Restored:
    """What a restore did: the manifest it followed, where the databases before are kept, and the schema it has now."""

    manifest: Manifest
    revision: str
    kept: tuple[str, ...] = ()
    files: int = 0
    notes: tuple[str, ...] = field(default=())
