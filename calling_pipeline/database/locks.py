"""Advisory locks, named by words. They end with the transaction (or the session), so a killed process frees them."""

from __future__ import annotations

import hashlib

import psycopg
import sqlalchemy as sa

from calling_pipeline.database.sql import load

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:key)")
_SHARE = sa.text("SELECT pg_advisory_xact_lock_shared(:key)")
_TRY_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(:key)")
_LOCK_TIMEOUT = sa.text("SELECT set_config('lock_timeout', :limit, true)")
_TRY_SESSION_LOCK = "SELECT pg_try_advisory_lock(%s)"
_UNLOCK_SESSION = "SELECT pg_advisory_unlock(%s)"
_IS_HELD = load("database/is_held")


def lock_key(*words: object) -> int:
    """A signed 64-bit key for the lock called `words`."""
    digest = hashlib.blake2b("\x1f".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def hold(connection: sa.Connection, *words: object) -> None:
    """Wait for the lock called `words` and hold it until the transaction ends."""
    connection.execute(_LOCK, {"key": lock_key(*words)})


def share(connection: sa.Connection, *words: object) -> None:
    """Wait until nobody holds the lock called `words` alone, and share it until the transaction ends."""
    connection.execute(_SHARE, {"key": lock_key(*words)})


def wait_at_most(connection: sa.Connection, seconds: float) -> None:
    """From now on this transaction waits so long for a lock, and then fails with an `OperationalError`; 0: without end."""
    connection.execute(_LOCK_TIMEOUT, {"limit": f"{round(seconds * 1000)}ms"})


def try_hold(connection: sa.Connection, *words: object) -> bool:
    """Hold the lock until the transaction ends, or return False at once when another session has it."""
    return bool(connection.execute(_TRY_LOCK, {"key": lock_key(*words)}).scalar_one())


def try_hold_for_session(connection: psycopg.Connection[tuple[object, ...]], *words: object) -> bool:
    """Hold the lock until the session ends, or return False at once when another session has it."""
    row = connection.execute(_TRY_SESSION_LOCK, (lock_key(*words),)).fetchone()
    return row is not None and bool(row[0])


def free_for_session(connection: psycopg.Connection[tuple[object, ...]], *words: object) -> None:
    """Release a lock of the session now; closing its connection alone would release it some time later."""
    connection.execute(_UNLOCK_SESSION, (lock_key(*words),))


def is_held(connection: sa.Connection, *words: object) -> bool:
    """Whether some session holds the lock called `words` now."""
    return bool(connection.execute(_IS_HELD, {"key": lock_key(*words)}).scalar_one())
