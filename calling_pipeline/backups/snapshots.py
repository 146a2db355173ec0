"""One database at one moment: a snapshot that the dump, the counts of its rows and its schema are taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.backups import store, tools
from calling_pipeline.backups.records import DumpedDatabase
from calling_pipeline.database.engine import reachable


class Snapshot:
    """A transaction that sees one moment. What others write meanwhile is in no part of it."""

    def __init__(self, connection: sa.Connection, url: URL) -> None:
        self.connection = connection
        self._url = url
        self._name = store.export_snapshot(connection)
        self.server_version = store.server_version(connection)

    def dump(self, file: Path) -> DumpedDatabase:
        """Write the whole database into `file` (mode 0600); returns what is in it."""
        program = tools.tool("pg_dump", self.server_version)
        file.touch(mode=0o600)
        tools.run(program, self._url, "--format=custom", f"--snapshot={self._name}", f"--file={file}")
        return DumpedDatabase(file.name, sha256_of(file), store.rows_of(self.connection))


@contextmanager
def snapshot(url: URL) -> Iterator[Snapshot]:
    """Hold a snapshot of the database. Raises `DatabaseUnavailable`."""
    with own_connection(url, isolation="REPEATABLE READ") as connection:
        yield Snapshot(connection, url)


@contextmanager
def own_connection(url: URL, *, isolation: str = "READ COMMITTED") -> Iterator[sa.Connection]:
    """A connection that nothing else uses, closed at the end: a database that is renamed must have none."""
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=sa.NullPool,
        hide_parameters=True,
        isolation_level=isolation,
        connect_args={"application_name": "calling_pipeline backup", "connect_timeout": 10},
    )
    with reachable(engine) as connection:
        yield connection


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
