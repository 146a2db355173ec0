"""Claimed calls that wait to be sent: claimed in chunks, the next one while the last is still being sent."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Sequence
from functools import partial

from calling_pipeline import days
from calling_pipeline.call_batches.batches.gateway_rate.store import Reservation
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calls.records import Claimed
from calling_pipeline.call_batches.dependencies import PushLimits
from calling_pipeline.call_batches.pushing import claims
from calling_pipeline.call_batches.pushing.watch import BatchWatch
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.database.retry import LOST, Transactions

RESERVED_S = 1.0
"""A send this late has lost its reservation of the account's rate."""


class ClaimQueue:
    """A call stays in the queue until it is sent, so that its claim is released however the waiting ends."""

    def __init__(
        self, database: Transactions, batch: Batch, policy: Policy, runner: uuid.UUID, limits: PushLimits, watch: BatchWatch
    ) -> None:
        self._database = database
        self._batch = batch
        self._limits = limits
        self._claim_chunk = partial(claims.claim_chunk, batch=batch, policy=policy, runner=runner, limits=limits)
        self._chunk = limits.chunk()
        self._watch = watch
        self.held: str | None = None
        """Why nothing may be claimed, as the last claim found."""
        self._calls: deque[tuple[Claimed, float]] = deque()
        self._claiming: asyncio.Task[tuple[claims.Claim, float]] | None = None

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
        if self._calls and self._calls[0][1] + RESERVED_S < time.monotonic():
            await self._reserve_again()
        return bool(self._calls)

    def wait_s(self, now_s: float) -> float:
        """How long the account's rate makes the next call wait."""
        return self._calls[0][1] - now_s if self._calls else 0.0

    def take(self) -> Claimed:
        """The call that is sent next. Raises `IndexError` when there is none."""
        return self._calls.popleft()[0]

    async def release(self) -> None:
        """Release every claim that was not sent."""
        if self._claiming is not None:
            await self._collect()
        calls, self._calls = [call for call, _ in self._calls], deque()
        for claim in {call.claim for call in calls}:
            ids = [call.id for call in calls if call.claim == claim]
            await self._database.until_committed(partial(claims.release, batch_id=self._batch.id, claim=claim, ids=ids))

    async def _collect(self) -> None:
        assert self._claiming is not None
        await asyncio.wait([self._claiming])  # not cancelled with us: a claim abandoned half-way would have to be unknown
        claiming, self._claiming = self._claiming, None
        claim, claimed_s = claiming.result()
        if claim.reserved is not None:
            self._put(claim.calls, claim.reserved, claimed_s)
        self.held = claim.held
        self._watch.set(claim.state)

    async def _reserve_again(self) -> None:
        """The calls of the queue are late: the account's rate was reserved for an earlier time."""
        count = len(self._calls)
        reserve = partial(claims.reserve, batch=self._batch, limits=self._limits, count=count)
        reserved = await self._database.until_committed(reserve)
        late = [self._calls.popleft()[0] for _ in range(count)]
        self._put(late, reserved, time.monotonic())

    def _put(self, calls: Sequence[Claimed], reserved: Reservation, reserved_s: float) -> None:
        begins_s = reserved_s + reserved.wait_s
        self._calls.extend((call, begins_s + place * reserved.interval_s) for place, call in enumerate(calls))
        self._chunk = self._limits.chunk(reserved.batches)

    async def _claim(self) -> tuple[claims.Claim, float]:
        """One chunk, and when it was claimed. One whose commit got lost is undone before the next: nothing was sent."""
        take = partial(claims.take_distinct_ids, count=self._chunk)
        while True:
            token = str(uuid.uuid4())
            ids = await self._database.until_committed(take)
            try:
                chunk = partial(self._claim_chunk, claim=token, distinct_ids=ids, now=days.now())
                return await self._database.once(chunk), time.monotonic()
            except LOST:
                undo = partial(claims.release, batch_id=self._batch.id, claim=token)
                await self._database.until_committed(undo)
