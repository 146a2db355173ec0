"""Work in the database that outlives a restart of PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError

from calling_pipeline.errors import DatabaseUnavailable

T = TypeVar("T")
OUTAGE = (OperationalError, InterfaceError, DatabaseUnavailable, psycopg.OperationalError, psycopg.InterfaceError)
"""A database that is gone for the moment; also a deadlock, whose loser may simply try again."""

_log = logging.getLogger(__name__)


class Steady:
    """Runs transactions in threads. Only acts that may run twice go through `run`: a commit's answer can be lost."""

    def __init__(self, engine: sa.Engine, *, most_s: float = 300.0) -> None:
        self._engine = engine
        self._most_s = most_s

    async def once(self, act: Callable[[sa.Connection], T]) -> T:
        """One transaction, tried once."""
        return await asyncio.to_thread(self._transact, act)

    async def run(self, act: Callable[[sa.Connection], T]) -> T:
        """One transaction, tried again with growing waits while the database is gone, at most `most_s` seconds."""
        return await self.keep_trying(lambda: self.once(act))

    async def keep_trying(self, act: Callable[[], Awaitable[T]]) -> T:
        """Await `act()` again and again while the database is gone."""
        begun, wait_s = time.monotonic(), 0.1
        while True:
            try:
                return await act()
            except OUTAGE as error:
                if time.monotonic() - begun > self._most_s:
                    raise
                _log.warning("the database is gone (%s); trying again in %.1f s", type(error).__name__, wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 3.0)

    def _transact(self, act: Callable[[sa.Connection], T]) -> T:
        with self._engine.begin() as connection:
            return act(connection)
