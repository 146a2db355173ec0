"""A mailer's session with the database: results in and claims out, in one transaction of psycopg's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from calling_pipeline.database.locks import lock_key
from calling_pipeline.reports.mail import store
from calling_pipeline.reports.mail.records import Attempt, Claimed, Edition


class MailerSession:
    """It holds the mailer's lock, by which others see that its claims are not orphaned."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]], mailer: int) -> None:
        self._connection = connection
        self._mailer = mailer

    @classmethod
    async def open(cls, dsn: str, mailer: int, known: Sequence[int]) -> MailerSession:
        """Connect, take the lock, and release what an earlier session claimed without learning so.

        `known`: deliveries that the mailer has in hand or whose results are not recorded. Raises `psycopg.OperationalError`
        when the database cannot be reached.
        """
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=10)
        try:
            await connection.execute("SELECT pg_advisory_lock(%s)", [lock_key(*store.lock_name(mailer))])
            await connection.execute(store.RELEASE, {"me": mailer, "known": list(known)})
        except BaseException:
            await connection.close()
            raise
        return cls(connection, mailer)

    async def exchange(
        self, results: Sequence[Attempt], slots: int, composed: Sequence[Edition], *, by_mail: bool
    ) -> list[Claimed]:
        """Record results and claim up to `slots` deliveries of composed mails, in one transaction; it may run twice."""
        connection = self._connection
        async with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            if results:
                await connection.execute(store.RECORD, store.record_values(self._mailer, results), prepare=True)
            if slots <= 0 or not composed:
                return []
            values = store.claim_values(self._mailer, slots, composed, by_mail=by_mail)
            await cursor.execute(store.CLAIM, values, prepare=True)
            rows = await cursor.fetchall()
        return [_claimed(row) for row in sorted(rows)]

    async def uncomposed(self, composed: Sequence[Edition], *, by_mail: bool) -> Edition | None:
        """The mail that is to be composed next; None when all that is due is."""
        values = store.uncomposed_values(composed, by_mail=by_mail)
        row = await (await self._connection.execute(store.UNCOMPOSED, values)).fetchone()
        return None if row is None else Edition(row[0], row[1], tuple(row[2]), row[3])

    async def close(self) -> None:
        """Close the connection, which frees the lock."""
        await self._connection.close()


def _claimed(row: tuple[Any, ...]) -> Claimed:
    number, report_id, receiver, language, formats, *rest = row
    correction, message_id, created_at, attempts, failures = rest
    return Claimed(
        number, report_id, receiver, language, tuple(formats), correction, message_id, created_at, attempts, failures
    )
