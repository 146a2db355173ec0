"""Waiting for a lost database: work that survives a restart of PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import sqlalchemy as sa
import stamina
from sqlalchemy.exc import InterfaceError, OperationalError

from calling_pipeline import retry_log
from calling_pipeline.errors import DatabaseUnavailable

T = TypeVar("T")
LOST = (OperationalError, InterfaceError, DatabaseUnavailable, psycopg.OperationalError, psycopg.InterfaceError)
"""A database that is gone for the moment; also a deadlock, whose loser may try again."""

retry_log.install()


async def retry_while_lost(
    act: Callable[[], Awaitable[T]],
    *,
    give_up_after_s: float = 300.0,
    first_wait_s: float = 0.1,
    longest_wait_s: float = 3.0,
) -> T:
    """Await `act()` until the database answers, with growing waits. Only for acts that may run twice.

    Raises the last of the `LOST` errors after `give_up_after_s`, and any other error at once.
    """
    attempts = stamina.retry_context(
        on=LOST,
        attempts=None,
        timeout=give_up_after_s,
        wait_initial=first_wait_s,
        wait_max=longest_wait_s,
        wait_jitter=first_wait_s,
    )
    async for attempt in attempts:
        with attempt:
            return await act()
    raise AssertionError("unreachable: the last attempt returns or raises")


class Transactions:
    """Runs transactions in threads, so that the event loop goes on."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def once(self, act: Callable[[sa.Connection], T]) -> T:
        """One transaction, tried once. When it raises one of `LOST`, it may nevertheless be committed."""
        return await asyncio.to_thread(self._transact, act)

    async def until_committed(self, act: Callable[[sa.Connection], T]) -> T:
        """One transaction, repeated while the database is lost: only for acts that may run twice."""
        return await retry_while_lost(lambda: self.once(act))

    def _transact(self, act: Callable[[sa.Connection], T]) -> T:
        with self._engine.begin() as connection:
            return act(connection)
