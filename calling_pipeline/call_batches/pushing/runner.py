"""Pushing a batch to the dialling gateway.

One process at a time holds a batch's lock. It claims calls in chunks (committed), sends them with bounded concurrency at
an exact rate, and commits every outcome as it arrives. Whatever happens in between, a call whose outcome is not certain
is `unknown` and is never sent again by software. The protocol's SQL is in `calls/store.py`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.lifecycle import Ending
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.dependencies import CLAIM_AHEAD_S, PushLimits
from calling_pipeline.call_batches.pushing import outcomes
from calling_pipeline.call_batches.pushing.brake import Brake
from calling_pipeline.call_batches.pushing.claim_queue import ClaimQueue
from calling_pipeline.call_batches.pushing.rate_limit import Pacer
from calling_pipeline.call_batches.pushing.watch import WATCH_S, BatchWatch
from calling_pipeline.call_batches.pushing.writer import LINGER_S, OutcomeWriter
from calling_pipeline.call_batches.records import Batch, BatchState, Claimed
from calling_pipeline.call_batches.starting import stop_unless_safe
from calling_pipeline.contact_policy import gate, hours
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.database.retry import Transactions
from calling_pipeline.errors import Busy, Conflict
from calling_pipeline.vendors.dial_gateway import DialGateway, Push, PushAnswer

_log = logging.getLogger(__name__)


async def push_batch(
    engine: sa.Engine,
    gateway: DialGateway,
    batch_id: int,
    limits: PushLimits,
    *,
    by: str = "",
    on_progress: Callable[[int], None] = lambda done: None,
) -> Batch:
    """Push what is pending of a batch until it is done, waits, is paused or cancelled; returns the batch as it is then.

    Raises `Busy` when another process pushes it, `Conflict` when it is paused or must not
    start (`starting.py`). A finished batch is left alone.
    """
    database, runner = Transactions(engine), uuid.uuid4()
    lock = batch_store.runner_lock(engine.url, batch_id)
    if not await asyncio.to_thread(lock.take):
        raise Busy(f"batch {batch_id} is being pushed by another process")
    try:
        batch = await database.until_committed(lambda connection: batch_store.batch(connection, batch_id))
        if batch.rate_per_s is not None:
            limits = replace(limits, rate_per_s=batch.rate_per_s)
        refusal = await database.until_committed(lambda connection: stop_unless_safe(connection, batch))
        if refusal is not None:
            raise Conflict(refusal)
        policy = await _take_over(database, batch, runner, by)
        if policy is not None:
            watch = BatchWatch(database, lock, batch_id, runner)
            queue = ClaimQueue(database, batch, policy, runner, limits.chunk, watch)
            writer = OutcomeWriter(database, by, on_progress)
            end = await _Runner(database, gateway, batch_id, policy, limits, by, watch, queue, writer).run()
            if end is not None:
                await database.until_committed(lambda c: lifecycle.leave(c, batch_id, runner, end, by=by))
        return await database.until_committed(lambda connection: batch_store.batch(connection, batch_id))
    finally:
        await asyncio.to_thread(lock.free)


async def _take_over(database: Transactions, batch: Batch, runner: uuid.UUID, by: str) -> Policy | None:
    """Make the batch this runner's; returns its policy, None when nothing of it is to be pushed."""

    def start(connection: sa.Connection) -> tuple[bool, BatchState]:
        started = batch_store.start(connection, batch.id, runner, days.now())
        return started, batch_store.state_now(connection, batch.id)[0]

    started, state = await database.until_committed(start)
    await database.until_committed(lambda c: lifecycle.mark_orphans_unknown(c, batch.id, by=by))
    if state == "paused":
        raise Conflict(f"batch {batch.id} is paused; resume it first")
    policy = policy_from(batch.policy)
    return await database.until_committed(lambda c: gate.with_holidays(c, policy, days.now())) if started else None


@dataclass(frozen=True)
class _Stop:
    """Dispatching ends; `ending` says how to leave the batch, None as it is."""

    ending: Ending | None


class _Runner:
    """One process's work on one batch."""

    def __init__(
        self,
        database: Transactions,
        gateway: DialGateway,
        batch_id: int,
        policy: Policy,
        limits: PushLimits,
        by: str,
        watch: BatchWatch,
        queue: ClaimQueue,
        writer: OutcomeWriter,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._batch_id = batch_id
        self._policy = policy
        self._limits = limits
        self._by = by
        self._watch = watch
        self._queue = queue
        self._writer = writer
        self._brake = Brake()
        self._pacer = Pacer(limits.rate_per_s)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> Ending | None:
        """Push the batch; returns how to leave it, None when somebody else changed its state.

        However it ends, claims that were not sent are released and outcomes on their way are written first.
        """
        watching = asyncio.create_task(self._watch.run())
        writing = asyncio.create_task(self._writer.run())
        try:
            return await self._dispatch(writing)
        finally:
            try:
                with suppress(asyncio.CancelledError):
                    await self._drain()
            finally:
                watching.cancel()
                self._writer.finish()
                await writing
                await asyncio.gather(watching, return_exceptions=True)

    async def _dispatch(self, writing: asyncio.Task[None]) -> Ending | None:
        """Send call after call."""
        while True:
            if writing.done():
                await writing
            if (stop := await self._may_go_on()) is not None:
                return stop.ending
            if not await self._has_call():
                if self._watch.state == "running" and (stop := await self._nothing_due()) is not None:
                    return stop.ending
                continue
            await self._slots.acquire()
            if not await self._turn():
                self._slots.release()
                continue
            task = asyncio.create_task(self._send(self._queue.take()))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _may_go_on(self) -> _Stop | None:
        """Wait while the batch is paused, the gateway down or the hours closed; a `_Stop` when it is not worth waiting."""
        if self._brake.halted is not None:
            return _Stop(Ending("paused", self._brake.halted, alert=True))
        if self._watch.state == "paused":
            return await self._wait_while_paused()
        if self._watch.state != "running":
            return _Stop(None)
        if (held_s := self._brake.held_s(time.monotonic())) > 0:
            return await self._wait_for_gateway(held_s)
        now = days.now()
        if hours.refusal(self._policy, now) is not None:
            return await self._wait_until(hours.next_open(self._policy, now), "outside the calling hours")
        return None

    async def _wait_while_paused(self) -> _Stop | None:
        await self._queue.release()
        begun = time.monotonic()
        while self._watch.state == "paused":
            if time.monotonic() - begun > self._limits.pause_patience_s:
                return _Stop(None)
            await self._watch.sleep(self._limits.pause_patience_s)
        return None

    async def _wait_for_gateway(self, held_s: float) -> _Stop | None:
        if self._brake.down_s(time.monotonic()) + held_s > self._limits.patience_s:
            await self._queue.release()
            later = days.now() + dt.timedelta(seconds=max(held_s, 60.0))
            return _Stop(Ending("waiting", "the gateway takes no calls", resume_at=later, alert=True))
        if held_s > CLAIM_AHEAD_S:
            await self._queue.release()
        await self._watch.sleep(held_s)
        return None

    async def _wait_until(self, until: dt.datetime | None, why: str) -> _Stop | None:
        if until is None:
            return _Stop(Ending("paused", f"{why}, permanently", alert=True))
        wait_s = (until - days.now()).total_seconds()
        if not self._queue.is_idle:
            await self._queue.release()
        if wait_s > self._limits.patience_s:
            return _Stop(Ending("waiting", why, resume_at=until))
        await self._watch.sleep(max(wait_s, 0.01))
        return None

    async def _nothing_due(self) -> _Stop | None:
        """No call can be claimed now: wait for those in flight, then for those that are delayed."""
        if self._sending:
            await asyncio.wait(set(self._sending), timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        if self._sending or self._writer.unwritten:
            await asyncio.sleep(LINGER_S)
            return None
        pending, pushing, due = await self._database.until_committed(
            lambda connection: call_store.open_calls(connection, self._batch_id, days.now())
        )
        if pending == 0:
            if pushing:
                await self._database.until_committed(
                    lambda connection: lifecycle.mark_orphans_unknown(connection, self._batch_id, by=self._by)
                )
            return _Stop(Ending("completed"))
        if due is None or due <= days.now():
            await asyncio.sleep(LINGER_S)  # another session holds what is due
            return None
        return await self._wait_until(due, "delayed by caps or by the gateway")

    async def _has_call(self) -> bool:
        """Whether a call is claimed; nothing is claimed long before its turn."""
        early_s = self._pacer.ahead_s(time.monotonic()) - CLAIM_AHEAD_S
        if early_s > 0 and self._queue.is_idle:
            await self._watch.sleep(early_s)
            if self._watch.state != "running":
                return False
        return await self._queue.fill()

    async def _turn(self) -> bool:
        """Wait for the rate limit; False when by then the batch may not go on."""
        wait_s = self._pacer.wait_s(time.monotonic())
        if wait_s > 0:
            await self._watch.sleep(wait_s)
        held = self._brake.halted is not None or self._brake.held_s(time.monotonic()) > 0
        if self._watch.state != "running" or held:
            self._pacer.unbook()
            return False
        return hours.refusal(self._policy, days.now()) is None

    async def _send(self, call: Claimed) -> None:
        sent_at, begun_s = days.now(), time.monotonic()
        wish = Push(call.distinct_id, call.phone, call.staff_name, call.sys_name, call.order_type, call.order_nums)
        try:
            answer = await self._gateway.push(wish)
        except Exception as error:
            _log.exception("call %s of batch %s", call.distinct_id, self._batch_id)
            answer = PushAnswer("unknown", message=type(error).__name__)
        finally:
            self._slots.release()
        up = self._brake.gateway_is_up
        result = outcomes.result_of(call, answer, sent_at=sent_at, answered_at=days.now(), gateway_is_up=up)
        self._brake.heed(answer, sent_s=begun_s, now_s=time.monotonic())
        self._writer.put(result)

    async def _drain(self) -> None:
        """Nothing new: release unsent claims and wait for the answers of what was sent."""
        try:
            await self._queue.release()
        finally:
            if self._sending:
                await asyncio.wait(set(self._sending))
