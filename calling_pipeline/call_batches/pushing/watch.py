"""Watches a batch's state in the database while it is pushed."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.records import BatchState
from calling_pipeline.database.retry import Transactions, retry_while_lost

WATCH_S = 0.2
"""How often the batch's state is read."""


class BatchWatch:
    """The batch's state as last read, None once another process took it over."""

    def __init__(self, database: Transactions, lock: SessionLock, batch_id: int, runner: uuid.UUID) -> None:
        self._database = database
        self._lock = lock
        self._batch_id = batch_id
        self._runner = runner
        self._changed = asyncio.Event()
        self.state: BatchState | None = "running"

    async def run(self) -> None:
        """Read the state again and again, until cancelled or another process took the batch over."""
        while self.state is not None:
            await asyncio.sleep(WATCH_S)
            await self._look()

    def set(self, state: BatchState | None) -> None:
        """Take note of the state, and wake who sleeps when it is another one."""
        if state != self.state:
            self.state = state
            self._changed.set()

    def wake(self) -> None:
        """Wake who sleeps."""
        self._changed.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but wake when the batch's state changes."""
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def _look(self) -> None:
        state, runner = await self._database.until_committed(lambda c: batch_store.state_now(c, self._batch_id))
        if runner != self._runner or not await self._still_ours():
            self.set(None)
            return
        if state == "waiting" and self.state == "paused":  # resumed by a person: go on here
            state = "running" if await self._restart() else state
        self.set(state)

    async def _restart(self) -> bool:
        return await self._database.until_committed(
            lambda connection: batch_store.start(connection, self._batch_id, self._runner, days.now())
        )

    async def _still_ours(self) -> bool:
        """Whether this process holds the batch's lock, taken again when its connection was lost."""
        if await asyncio.to_thread(self._lock.holds):
            return True
        return await retry_while_lost(lambda: asyncio.to_thread(self._lock.take))
