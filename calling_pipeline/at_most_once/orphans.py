"""Whether the owner of a claim still lives: it holds a session lock, which PostgreSQL frees when its process ends."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.database import locks
from calling_pipeline.database.engine import driver_dsn

ORPHANED = "the process ended before the outcome was recorded"
"""Why an orphaned claim is unknown, as logs and histories say it."""


class SessionLock:
    """The advisory lock called `name`, held by a connection of its own. Not for several threads at once."""

    def __init__(self, url: URL, *name: object) -> None:
        self._dsn = driver_dsn(url)
        self._name = name
        self._application = f"lock: {' '.join(map(str, name))}"
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def take(self) -> bool:
        """Take the lock; False when another session has it. Raises `psycopg.OperationalError` without a database."""
        self.free()
        connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=10, application_name=self._application)
        if not locks.try_hold_for_session(connection, *self._name):
            connection.close()
            return False
        self._connection = connection
        return True

    def holds(self) -> bool:
        """Whether the lock is still ours: it ends with its connection."""
        if self._connection is None or self._connection.closed:
            return False
        try:
            self._connection.execute("")  # an empty query: a round trip
        except psycopg.Error:
            return False
        return True

    def free(self) -> None:
        """Release the lock, if it is ours: once this returns, another session can take it."""
        if self._connection is None:
            return
        with suppress(psycopg.Error):  # a lost connection has lost the lock
            locks.free_for_session(self._connection, *self._name)
        self._connection.close()
        self._connection = None


def is_held(connection: sa.Connection, *name: object) -> bool:
    """Whether some session holds the lock called `name` now. It may change at any moment."""
    return locks.is_held(connection, *name)


def is_gone(connection: sa.Connection, *name: object) -> bool:
    """Whether nobody holds the lock called `name`, and nobody can take it before this transaction ends."""
    return locks.try_hold(connection, *name)
