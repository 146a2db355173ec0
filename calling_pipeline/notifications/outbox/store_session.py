"""A dispatcher's session: results in and claims out, in one transaction of psycopg's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.errors import UniqueViolation

from calling_pipeline.database.locks import lock_key
from calling_pipeline.notifications.outbox.records import AttemptResult, ClaimedMessage
from calling_pipeline.notifications.outbox.store import Outbox, lock_name


class DispatcherSession:
    """A dispatcher's session. It holds the dispatcher's lock, by which others see that its claims are not orphaned."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]], outbox: Outbox, dispatcher: int) -> None:
        self._connection = connection
        self._outbox = outbox
        self._dispatcher = dispatcher

    @classmethod
    async def open(cls, dsn: str, outbox: Outbox, dispatcher: int, known: Sequence[int]) -> DispatcherSession:
        """Connect, take the lock, and release what an earlier session of the dispatcher claimed without learning so.

        `known` are the ids of messages that it has in flight, or whose results are not yet recorded. Raises
        `psycopg.OperationalError` when the database cannot be reached.
        """
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=10)
        try:
            key = lock_key(*lock_name(dispatcher))
            await connection.execute("SELECT pg_advisory_lock(%s)", [key])
            await connection.execute(outbox.release_sql, {"me": dispatcher, "known": list(known)})
        except BaseException:
            await connection.close()
            raise
        return cls(connection, outbox, dispatcher)

    async def exchange(self, results: Sequence[AttemptResult], slots: int, rate: int) -> list[ClaimedMessage]:
        """Record results and claim up to `slots` messages, in one transaction; it may run twice.

        No message is claimed when another dispatcher claimed one for the same receiver at the same time.
        """
        try:
            return await self._transact(results, slots, rate)
        except UniqueViolation:
            return await self._transact(results, 0, rate)

    async def _transact(self, results: Sequence[AttemptResult], slots: int, rate: int) -> list[ClaimedMessage]:
        connection, outbox = self._connection, self._outbox
        async with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            if results:
                values = outbox.record_values(self._dispatcher, results)
                await connection.execute(outbox.record_sql, values, prepare=True)
            if slots <= 0:
                return []
            values = outbox.claim_values(self._dispatcher, slots, rate)
            await cursor.execute(outbox.claim_sql, values, prepare=True)
            return [ClaimedMessage(*row) for row in await cursor.fetchall()]

    async def close(self) -> None:
        """Close the connection, which frees the lock."""
        await self._connection.close()
