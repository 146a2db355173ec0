"""Who pushes a batch: one process at a time, by a session lock that PostgreSQL frees when the process dies."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.database.locks import lock_key

IS_HELD = sa.text("""
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = :key)
""")


class Lease:
    """The lock of one batch on a connection of its own. Not for several threads at once."""

    def __init__(self, url: URL, batch_id: int) -> None:
        self._dsn = driver_dsn(url)
        self._key = lock_key("call batch", batch_id)
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def take(self) -> bool:
        """Take the lock; False when another process has it."""
        self.free()
        connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=10, application_name="call batch lease")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,)).fetchone()
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
        """Give the lock back, if it is ours."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_pushed(connection: sa.Connection, batch_id: int) -> bool:
    """Whether some process holds the batch's lock now."""
    return bool(connection.execute(IS_HELD, {"key": lock_key("call batch", batch_id)}).scalar_one())
