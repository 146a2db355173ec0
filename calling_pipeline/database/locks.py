"""Advisory locks, named by words. They end with the transaction (or the session), so a killed process frees them."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:key)")
_TRY_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(:key)")


def lock_key(*words: object) -> int:
    """A signed 64-bit key for the lock called `words`."""
    digest = hashlib.blake2b("\x1f".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def hold(connection: sa.Connection, *words: object) -> None:
    """Wait for the lock called `words` and hold it until the transaction ends."""
    connection.execute(_LOCK, {"key": lock_key(*words)})


def try_hold(connection: sa.Connection, *words: object) -> bool:
    """Hold the lock until the transaction ends, or return False at once when another session has it."""
    return bool(connection.execute(_TRY_LOCK, {"key": lock_key(*words)}).scalar_one())
