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

from calling_pipeline import days, tracing
from calling_pipeline.at_most_once.shutdown import StopRequest
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.lifecycle import Ending
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import Claimed
from calling_pipeline.call_batches.dependencies import CLAIM_AHEAD_S, PushLimits
from calling_pipeline.call_batches.pushing import outcomes
from calling_pipeline.call_batches.pushing.brake import Brake
from calling_pipeline.call_batches.pushing.breaker import Breaker
from calling_pipeline.call_batches.pushing.claim_queue import ClaimQueue
from calling_pipeline.call_batches.pushing.rate_limit import Pacer
from calling_pipeline.call_batches.pushing.starting import stop_unless_safe
from calling_pipeline.call_batches.pushing.watch import WATCH_S, BatchWatch
from calling_pipeline.call_batches.pushing.writer import LINGER_S, OutcomeWriter
from calling_pipeline.call_batches.records import BatchState
from calling_pipeline.contact_policy import gate, hours
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.database.engine import direct_url
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
    refusal: str | None = None,
    stop: StopRequest | None = None,
) -> Batch:
    """Push what is pending of a batch until it is done, waits, is paused or cancelled; returns the batch as it is then.

    `refusal`: why no batch may start now. When `stop` is requested the batch is paused, and what is in flight awaited.
    Raises `Busy` when another process pushes it, `Conflict` when it is paused or must not
    start (`starting.py`). A finished batch is left alone.
    """
    database, runner = Transactions(engine), uuid.uuid4()
    lock = batch_store.runner_lock(direct_url(engine), batch_id)
    if not await asyncio.to_thread(lock.take):
        raise Busy(f"batch {batch_id} is being pushed by another process")
    try:
        batch = await database.until_committed(lambda connection: batch_store.batch(connection, batch_id))
        rate_per_s = min(limits.rate_per_s if batch.rate_per_s is None else batch.rate_per_s, limits.account_rate_per_s)
        limits = replace(limits, rate_per_s=rate_per_s)
        unsafe = await database.until_committed(lambda connection: stop_unless_safe(connection, batch, refusal))
        if unsafe is not None:
            raise Conflict(unsafe)
        policy = await _take_over(database, batch, runner, by)
        if policy is not None:
            watch = BatchWatch(database, lock, batch_id, runner)
            queue = ClaimQueue(database, batch, policy, runner, limits, watch)
            writer = OutcomeWriter(database, by, on_progress)
            job = _Job(database, gateway, batch, policy, limits, by, watch, queue, writer, stop or StopRequest())
            with tracing.span("push", batch=batch_id):
                end = await _Runner(job).run()
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


@dataclass(frozen=True)
class _Job:
    """One process's work on one batch, and what it works with."""

    database: Transactions
    gateway: DialGateway
    batch: Batch
    policy: Policy
    limits: PushLimits
    by: str
    watch: BatchWatch
    queue: ClaimQueue
    writer: OutcomeWriter
    stop: StopRequest


class _Runner:
    """Does a job: one call after the other, as fast as the limits, the hours and the gateway allow."""

    def __init__(self, job: _Job) -> None:
        self._database = job.database
        self._gateway = job.gateway
        self._batch = job.batch
        self._policy = job.policy
        self._limits = job.limits
        self._by = job.by
        self._watch = job.watch
        self._queue = job.queue
        self._writer = job.writer
        self._stop = job.stop
        self._brake = Brake()
        self._breaker = Breaker(job.limits.breaker)
        self._pacer = Pacer(job.limits.rate_per_s)
        self._slots = asyncio.Semaphore(job.limits.concurrency)
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> Ending | None:
        """Push the batch; returns how to leave it, None when somebody else changed its state.

        However it ends, claims that were not sent are released and outcomes on their way are written first. What is still
        in flight when even that is cancelled is unknown.
        """
        watching = asyncio.create_task(self._watch.run())
        stopping = asyncio.create_task(self._pause_when_asked())
        writing = asyncio.create_task(self._writer.run())
        try:
            return await self._dispatch(writing)
        finally:
            try:
                with suppress(asyncio.CancelledError):
                    await self._drain()
            finally:
                watching.cancel()
                if not self._stop.requested:
                    stopping.cancel()
                self._writer.finish()
                await writing
                await asyncio.gather(watching, stopping, return_exceptions=True)
                await self._abandon()

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
            if await self._too_many_in_flight():
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
        if self._stop.requested:
            return _Stop(None)
        if (halted := self._brake.halted or self._breaker.tripped) is not None:
            return _Stop(Ending("paused", halted, alert=True))
        if self._watch.state == "paused":
            return await self._wait_while_paused()
        if self._watch.state != "running":
            return _Stop(None)
        if self._queue.held is not None:
            return _Stop(Ending("waiting", self._queue.held, resume_at=days.now()))
        if (held_s := self._brake.held_s(time.monotonic())) > 0:
            return await self._wait_for_gateway(held_s)
        now = days.now()
        if self._batch.is_expired(now):
            return _Stop(Ending("completed", lifecycle.EXPIRED))
        if hours.refusal(self._policy, now) is not None:
            return await self._wait_until(hours.next_open(self._policy, now), "outside the calling hours")
        return None

    async def _wait_while_paused(self) -> _Stop | None:
        await self._queue.release()
        begun = time.monotonic()
        while self._watch.state == "paused" and not self._stop.requested:
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
        if self._batch.expires_at is not None:
            wait_s = min(wait_s, (self._batch.expires_at - days.now()).total_seconds())
        await self._watch.sleep(max(wait_s, 0.01))
        return None

    async def _nothing_due(self) -> _Stop | None:
        """No call can be claimed now: wait for those in flight, then for those that are delayed."""
        if self._breaker.tripped is not None:
            return None  # by the very last answer
        if self._sending:
            await asyncio.wait(set(self._sending), timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        if self._sending or self._writer.unwritten:
            await asyncio.sleep(LINGER_S)
            return None
        pending, pushing, due = await self._database.until_committed(
            lambda connection: call_store.open_calls(connection, self._batch.id, days.now())
        )
        if pending == 0:
            if pushing:
                await self._database.until_committed(
                    lambda connection: lifecycle.mark_orphans_unknown(connection, self._batch.id, by=self._by)
                )
            return _Stop(Ending("completed"))
        if due is None or due <= days.now():
            await asyncio.sleep(LINGER_S)  # another session holds what is due
            return None
        return await self._wait_until(due, "delayed by caps, by the gateway or to their hour")

    async def _has_call(self) -> bool:
        """Whether a call is claimed; nothing is claimed long before its turn."""
        early_s = self._pacer.ahead_s(time.monotonic()) - CLAIM_AHEAD_S
        if early_s > 0 and self._queue.is_idle:
            await self._watch.sleep(early_s)
            if self._watch.state != "running":
                return False
        return await self._queue.fill()

    async def _too_many_in_flight(self) -> bool:
        """While nothing shows that the gateway takes calls, wait for an answer to one of the few that it was sent."""
        most = self._breaker.most_in_flight
        if most is None or len(self._sending) < most:
            return False
        await asyncio.wait(set(self._sending), timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        return True

    async def _turn(self) -> bool:
        """Wait for the batch's and the account's rate; False when by then the batch may not go on."""
        now_s = time.monotonic()
        wait_s = max(self._pacer.wait_s(now_s), self._queue.wait_s(now_s))
        if wait_s > 0:
            await self._watch.sleep(wait_s)
        halted = self._stop.requested or self._brake.halted is not None or self._breaker.tripped is not None
        if self._watch.state != "running" or halted or self._brake.held_s(time.monotonic()) > 0:
            self._pacer.unbook()
            return False
        if self._batch.is_expired(days.now()):
            return False
        return hours.refusal(self._policy, days.now()) is None

    async def _send(self, call: Claimed) -> None:
        sent_at, begun_s = days.now(), time.monotonic()
        wish = Push(call.distinct_id, call.phone, call.staff_name, call.sys_name, call.order_type, call.order_nums)
        try:
            answer = await self._gateway.push(wish)
        except Exception as error:
            _log.exception("call %s of batch %s", call.distinct_id, self._batch.id)
            answer = PushAnswer("unknown", message=type(error).__name__)
        finally:
            self._slots.release()
        up = self._brake.gateway_is_up
        result = outcomes.result_of(call, answer, sent_at=sent_at, answered_at=days.now(), gateway_is_up=up)
        self._brake.heed(answer, sent_s=begun_s, now_s=time.monotonic())
        self._breaker.heed(answer, sent_s=begun_s, now_s=time.monotonic())
        self._writer.put(result)

    async def _drain(self) -> None:
        """Nothing new: release unsent claims and wait for the answers of what was sent, unless a person will not wait."""
        try:
            await self._queue.release()
        finally:
            if self._sending and not self._stop.hurried:
                await asyncio.wait(set(self._sending))

    async def _pause_when_asked(self) -> None:
        """Pause the batch as soon as a person asks to stop, so that no other process goes on with it."""
        await self._stop.wait()
        self._watch.wake()
        with suppress(Conflict):  # over, or cancelled at the same moment
            await self._database.until_committed(lambda c: lifecycle.stop(c, self._batch.id, by=self._by))

    async def _abandon(self) -> None:
        """What is in flight although nobody waits for it any more has an unknown outcome."""
        if not self._sending:
            return
        for task in set(self._sending):
            task.cancel()
        await self._database.once(lambda c: lifecycle.mark_orphans_unknown(c, self._batch.id, by=self._by))
