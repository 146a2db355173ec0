"""Whether the owner of a claim still lives: it holds a session lock, which PostgreSQL frees when its process ends."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.database.locks import lock_key, try_hold
from calling_pipeline.database.sql import load

ORPHANED = "the process ended before the outcome was recorded"
"""Why an orphaned claim is unknown, as logs and histories say it."""

_IS_HELD = load("at_most_once/is_held")
_TAKE = "SELECT pg_try_advisory_lock(%s)"


class SessionLock:
    """The advisory lock called `name`, held by a connection of its own. Not for several threads at once."""

    def __init__(self, url: URL, *name: object) -> None:
        self._dsn = driver_dsn(url)
        self._key = lock_key(*name)
        self._application = f"lock: {' '.join(map(str, name))}"
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def take(self) -> bool:
        """Take the lock; False when another session has it. Raises `psycopg.OperationalError` without a database."""
        self.free()
        connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=10, application_name=self._application)
        row = connection.execute(_TAKE, (self._key,)).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def holds(self) -> bool:
        """Whether the lock is still ours: it ends with its connection."""
        if self._connection is None or self._connection.closed:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def free(self) -> None:
        """Release the lock, if it is ours."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_held(connection: sa.Connection, *name: object) -> bool:
    """Whether some session holds the lock called `name` now. It may change at any moment."""
    return bool(connection.execute(_IS_HELD, {"key": lock_key(*name)}).scalar_one())


def is_gone(connection: sa.Connection, *name: object) -> bool:
    """Whether nobody holds the lock called `name`, and nobody can take it before this transaction ends."""
    return try_hold(connection, *name)
