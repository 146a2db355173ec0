"""A pool of psycopg connections that outlives a restart of PostgreSQL: after one lost connection it asks the others."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

_PATIENCE_S = 1.0


class LastingPool(AsyncConnectionPool[psycopg.AsyncConnection[Any]]):
    """Connections in autocommit mode. When one comes back that the server has closed, the others are tried and replaced.

    A restart closes all of them at once. Without this each would fail the request that gets it next, up to sixteen of them.
    """

    def __init__(self, dsn: str, *, min_size: int, max_size: int) -> None:
        super().__init__(dsn, min_size=min_size, max_size=max_size, open=False, kwargs={"autocommit": True})
        self._trying: asyncio.Task[None] | None = None

    async def putconn(self, conn: psycopg.AsyncConnection[Any]) -> None:
        """Take a connection back; returns when the others were tried, or after a second if one does not answer."""
        lost = conn.closed
        await super().putconn(conn)
        if lost and not self.closed:
            if self._trying is None or self._trying.done():
                self._trying = asyncio.create_task(self.check())
            await asyncio.wait({self._trying}, timeout=_PATIENCE_S)
