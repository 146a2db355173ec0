"""Claimed calls that wait to be sent: claimed in chunks, the next one while the last is still being sent."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from functools import partial

from calling_pipeline import days
from calling_pipeline.call_batches.pushing import claims
from calling_pipeline.call_batches.pushing.watch import BatchWatch
from calling_pipeline.call_batches.records import Batch, Claimed
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.database.retry import LOST, Transactions


class ClaimQueue:
    """A call stays in the queue until it is sent, so that its claim is released however the waiting ends."""

    def __init__(
        self, database: Transactions, batch: Batch, policy: Policy, runner: uuid.UUID, chunk: int, watch: BatchWatch
    ) -> None:
        self._database = database
        self._batch_id = batch.id
        self._claim_chunk = partial(claims.claim_chunk, batch=batch, policy=policy, runner=runner)
        self._chunk = chunk
        self._watch = watch
        self._calls: deque[Claimed] = deque()
        self._claiming: asyncio.Task[claims.Claim] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is claimed or being claimed."""
        return not self._calls and self._claiming is None

    async def fill(self) -> bool:
        """Claim the next chunk when it is time; returns whether there is a call to send."""
        if self._claiming is None and len(self._calls) <= self._chunk // 2:
            self._claiming = asyncio.create_task(self._claim())
        if self._claiming is not None and (not self._calls or self._claiming.done()):
            await self._collect()
        return bool(self._calls)

    def take(self) -> Claimed:
        """The call that is sent next. Raises `IndexError` when there is none."""
        return self._calls.popleft()

    async def release(self) -> None:
        """Release every claim that was not sent."""
        if self._claiming is not None:
            await self._collect()
        calls, self._calls = list(self._calls), deque()
        for claim in {call.claim for call in calls}:
            ids = [call.id for call in calls if call.claim == claim]
            await self._database.until_committed(partial(claims.release, batch_id=self._batch_id, claim=claim, ids=ids))

    async def _collect(self) -> None:
        assert self._claiming is not None
        await asyncio.wait([self._claiming])  # not cancelled with us: a claim abandoned half-way would have to be unknown
        claiming, self._claiming = self._claiming, None
        claim = claiming.result()
        self._calls.extend(claim.calls)
        self._watch.set(claim.state)

    async def _claim(self) -> claims.Claim:
        """One chunk. A claim whose commit got lost is undone before the next: nothing of it was sent."""
        take = partial(claims.take_distinct_ids, count=self._chunk)
        while True:
            token = str(uuid.uuid4())
            ids = await self._database.until_committed(take)
            try:
                return await self._database.once(partial(self._claim_chunk, claim=token, distinct_ids=ids, now=days.now()))
            except LOST:
                undo = partial(claims.release, batch_id=self._batch_id, claim=token)
                await self._database.until_committed(undo)
