"""Pushing a batch to the dialling gateway.

One process at a time holds a batch's lock. It claims calls in chunks (committed), sends them with bounded concurrency
at an exact rate, and commits every outcome as it arrives. Whatever happens in between, a call whose fate is not certain is
`unknown` and is never sent again by software. The protocol's SQL is in `store_calls.py`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.call_batches.batches import ending
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.ending import Ending
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.dependencies import CLAIM_AHEAD_S, PushLimits
from calling_pipeline.call_batches.pushing import claims, outcomes
from calling_pipeline.call_batches.pushing.rate_limit import Pacer
from calling_pipeline.call_batches.records import ROOM, Batch, BatchState, Claimed, Result
from calling_pipeline.contact_policy import gate, hours
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.database.retry import LOST, Transactions, retry_while_lost
from calling_pipeline.errors import Busy, Conflict
from calling_pipeline.vendors.dial_gateway import DialGateway, Push, PushAnswer

WATCH_S = 0.2
LINGER_S = 0.02
"""How long an outcome may wait for others that arrive in the same moment."""
HOLD = Backoff(first_s=0.1, longest_s=30.0)
"""How long nothing is sent after the gateway took nothing."""

_log = logging.getLogger(__name__)


async def push_batch(
    engine: sa.Engine,
    gateway: DialGateway,
    batch_id: int,
    limits: PushLimits,
    *,
    by: str = "",
    on_progress: Callable[[int], None] | None = None,
) -> Batch:
    """Push what is pending of a batch until it is done, waits, is paused or cancelled; returns the batch as it is then.

    Raises `Busy` when another process pushes it, `Conflict` when it is paused. A finished batch is left alone.
    """
    database = Transactions(engine)
    lock = batch_store.runner_lock(engine.url, batch_id)
    if not await asyncio.to_thread(lock.take):
        raise Busy(f"batch {batch_id} is being pushed by another process")
    try:
        batch = await database.until_committed(lambda connection: batch_store.batch(connection, batch_id))
        if batch.rate_per_s is not None:
            limits = replace(limits, rate_per_s=batch.rate_per_s)
        await _Runner(database, gateway, lock, batch, limits, by, on_progress or (lambda done: None)).run()
        return await database.until_committed(lambda connection: batch_store.batch(connection, batch_id))
    finally:
        await asyncio.to_thread(lock.free)


class _Runner:
    """One process's work on one batch."""

    def __init__(
        self,
        database: Transactions,
        gateway: DialGateway,
        lock: SessionLock,
        batch: Batch,
        limits: PushLimits,
        by: str,
        on_progress: Callable[[int], None],
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._lock = lock
        self._batch = batch
        self._limits = limits
        self._by = by
        self._on_progress = on_progress
        self._id = uuid.uuid4()
        self._policy = policy_from(batch.policy)
        self._pacer = Pacer(limits.rate_per_s)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._queue: deque[Claimed] = deque()
        self._claiming: asyncio.Task[claims.Claim] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._results: asyncio.Queue[Result | None] = asyncio.Queue()
        self._unwritten = 0
        self._state: BatchState | None = "running"
        self._changed = asyncio.Event()
        self._halted: str | None = None
        self._hold_until = 0.0
        self._holds = 0
        self._down_since: float | None = None

    async def run(self) -> None:
        """Take the batch over, push it, and leave it in the state that fits."""
        if not await self._take_over():
            return
        watcher = asyncio.create_task(self._watch())
        writer = asyncio.create_task(self._write())
        end: Ending | None = None
        try:
            end = await self._dispatch(writer)
        finally:
            try:
                with suppress(asyncio.CancelledError):
                    await self._drain()
            finally:
                watcher.cancel()
                self._results.put_nowait(None)
                await writer
                await asyncio.gather(watcher, return_exceptions=True)
        if end is not None:
            await self._database.until_committed(
                lambda connection: ending.leave(connection, self._batch.id, self._id, end, by=self._by)
            )

    async def _take_over(self) -> bool:
        def act(connection: sa.Connection) -> tuple[bool, BatchState]:
            started = batch_store.start(connection, self._batch.id, self._id, days.now())
            return started, batch_store.state_now(connection, self._batch.id)[0]

        started, state = await self._database.until_committed(act)
        await self._database.until_committed(lambda connection: ending.orphans(connection, self._batch.id, by=self._by))
        self._policy = await self._database.until_committed(lambda c: gate.with_holidays(c, self._policy, days.now()))
        if state == "paused":
            raise Conflict(f"batch {self._batch.id} is paused; resume it first")
        return started

    async def _dispatch(self, writer: asyncio.Task[None]) -> Ending | None:
        """Send call after call; returns how to leave the batch (None: as somebody else left it)."""
        while True:
            if writer.done():
                await writer
            if (end := await self._may_go_on()) is not None:
                return end.ending
            if not await self._has_call():
                if self._state == "running" and (end := await self._nothing_due()) is not None:
                    return end.ending
                continue
            await self._slots.acquire()
            if not await self._turn():
                self._slots.release()
                continue
            task = asyncio.create_task(self._send(self._queue.popleft()))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _may_go_on(self) -> _Stop | None:
        """Wait while the batch is paused, the gateway down or the hours closed; a `_Stop` when it is not worth waiting."""
        if self._halted is not None:
            return _Stop(Ending("paused", self._halted, alert=True))
        if self._state == "paused":
            return await self._sit_out_pause()
        if self._state != "running":
            return _Stop(None)
        if (held_s := self._hold_until - time.monotonic()) > 0:
            return await self._sit_out_hold(held_s)
        now = days.now()
        if hours.refusal(self._policy, now) is not None:
            return await self._sit_out(hours.next_open(self._policy, now), "outside the calling hours")
        return None

    async def _sit_out_pause(self) -> _Stop | None:
        await self._give_back()
        begun = time.monotonic()
        while self._state == "paused":
            if time.monotonic() - begun > self._limits.pause_patience_s:
                return _Stop(None)
            await self._sleep(self._limits.pause_patience_s)
        return None

    async def _sit_out_hold(self, held_s: float) -> _Stop | None:
        down_s = time.monotonic() - self._down_since if self._down_since is not None else 0.0
        if down_s + held_s > self._limits.patience_s:
            await self._give_back()
            later = days.now() + dt.timedelta(seconds=max(held_s, 60.0))
            return _Stop(Ending("waiting", "the gateway takes no calls", resume_at=later, alert=True))
        if held_s > CLAIM_AHEAD_S:
            await self._give_back()
        await self._sleep(held_s)
        return None

    async def _sit_out(self, until: dt.datetime | None, why: str) -> _Stop | None:
        if until is None:
            return _Stop(Ending("paused", f"{why}, for ever", alert=True))
        wait_s = (until - days.now()).total_seconds()
        if self._queue or self._claiming:
            await self._give_back()
        if wait_s > self._limits.patience_s:
            return _Stop(Ending("waiting", why, resume_at=until))
        await self._sleep(max(wait_s, 0.01))
        return None

    async def _nothing_due(self) -> _Stop | None:
        """No call can be claimed now: wait for those in flight, then for those that are delayed."""
        if self._sending:
            await asyncio.wait(set(self._sending), timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        if self._sending or self._unwritten:
            await asyncio.sleep(LINGER_S)
            return None
        pending, pushing, due = await self._database.until_committed(
            lambda connection: call_store.open_calls(connection, self._batch.id, days.now())
        )
        if pending == 0:
            if pushing:
                await self._database.until_committed(
                    lambda connection: ending.orphans(connection, self._batch.id, by=self._by)
                )
            return _Stop(Ending("completed"))
        if due is None or due <= days.now():
            await asyncio.sleep(LINGER_S)  # another session holds what is due
            return None
        return await self._sit_out(due, "delayed by caps or by the gateway")

    async def _has_call(self) -> bool:
        """Whether the queue has a claimed call; a new chunk is claimed while the last one is still being sent.

        It stays in the queue until it is sent, so that it is given back whatever ends the waiting.
        """
        early_s = self._pacer.ahead_s(time.monotonic()) - CLAIM_AHEAD_S
        if early_s > 0 and not self._queue and self._claiming is None:
            await self._sleep(early_s)
            if self._state != "running":
                return False
        if self._claiming is None and len(self._queue) <= self._limits.chunk // 2:
            self._claiming = asyncio.create_task(self._claim())
        if self._claiming is not None and (not self._queue or self._claiming.done()):
            await self._collect_claim()
        return bool(self._queue)

    async def _collect_claim(self) -> None:
        assert self._claiming is not None
        await asyncio.wait([self._claiming])  # not cancelled with us: a claim abandoned half-way would have to be unknown
        claiming, self._claiming = self._claiming, None
        claim = claiming.result()
        self._queue.extend(claim.calls)
        if claim.state != self._state:
            self._set_state(claim.state)

    async def _claim(self) -> claims.Claim:
        """One chunk. A claim whose commit got lost is undone before the next: nothing of it was sent."""
        claim = partial(claims.claim_chunk, batch=self._batch, policy=self._policy, runner=self._id)
        take = partial(claims.take_distinct_ids, count=self._limits.chunk)
        while True:
            token = str(uuid.uuid4())
            ids = await self._database.until_committed(take)
            try:
                return await self._database.once(partial(claim, claim=token, distinct_ids=ids, now=days.now()))
            except LOST:
                await self._database.until_committed(partial(claims.give_back, batch_id=self._batch.id, claim=token))

    async def _turn(self) -> bool:
        """Wait for the rate limit; False when meanwhile the batch may not go on."""
        wait_s = self._pacer.wait_s(time.monotonic())
        if wait_s > 0:
            await self._sleep(wait_s)
        if self._state == "running" and self._halted is None and self._hold_until <= time.monotonic():
            return hours.refusal(self._policy, days.now()) is None
        self._pacer.give_back()
        return False

    async def _send(self, call: Claimed) -> None:
        sent_at, begun = days.now(), time.monotonic()
        wish = Push(call.distinct_id, call.phone, call.staff_name, call.sys_name, call.order_type, call.order_nums)
        try:
            answer = await self._gateway.push(wish)
        except Exception as error:
            _log.exception("call %s of batch %s", call.distinct_id, self._batch.id)
            answer = PushAnswer("unknown", message=type(error).__name__)
        finally:
            self._slots.release()
        up = self._down_since is None
        result = outcomes.result_of(call, answer, sent_at=sent_at, answered_at=days.now(), gateway_is_up=up)
        self._heed(answer, begun)
        self._unwritten += 1
        self._results.put_nowait(result)

    def _heed(self, answer: PushAnswer, begun: float) -> None:
        """Slow down while the gateway takes nothing; stop when only a person can help."""
        if answer.halt:
            self._halted = f"the gateway does not accept our requests ({answer.message}); check its address and credentials"
        if answer.outcome != "retry":
            self._down_since, self._holds = None, 0
            return
        if self._down_since is None:
            self._down_since = time.monotonic()
        if begun >= self._hold_until:
            self._holds += 1
            self._hold_until = time.monotonic() + HOLD.wait_s(self._holds, answer.retry_after_s)

    async def _write(self) -> None:
        """Commit outcomes, those that arrive together in one transaction. Ends at `None`."""
        last = False
        while not last:
            arrived = [await self._results.get()]
            await asyncio.sleep(LINGER_S)
            while not self._results.empty():
                arrived.append(self._results.get_nowait())
            results = [result for result in arrived if result is not None]
            last = len(results) < len(arrived)
            if results:
                await self._database.until_committed(partial(_record, results=results, by=self._by))
                self._unwritten -= len(results)
                self._on_progress(sum(result.state != "pending" for result in results))

    async def _watch(self) -> None:
        """See within a moment that the batch was paused, resumed or cancelled, or that another process took it over."""
        while True:
            await asyncio.sleep(WATCH_S)
            state, runner = await self._database.until_committed(lambda c: batch_store.state_now(c, self._batch.id))
            if runner != self._id or not await self._still_ours():
                self._set_state(None)
                return
            if state == "waiting" and self._state == "paused":
                started = await self._database.until_committed(
                    lambda c: batch_store.start(c, self._batch.id, self._id, days.now())
                )
                state = "running" if started else state
            self._set_state(state)

    async def _still_ours(self) -> bool:
        if await asyncio.to_thread(self._lock.holds):
            return True
        return await retry_while_lost(lambda: asyncio.to_thread(self._lock.take))

    def _set_state(self, state: BatchState | None) -> None:
        if state != self._state:
            self._state = state
            self._changed.set()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake when the batch's state changes."""
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def _give_back(self) -> None:
        """Return every claim that was not sent."""
        if self._claiming is not None:
            await self._collect_claim()
        calls, self._queue = list(self._queue), deque()
        for claim in {call.claim for call in calls}:
            ids = [call.id for call in calls if call.claim == claim]
            await self._database.until_committed(partial(claims.give_back, batch_id=self._batch.id, claim=claim, ids=ids))

    async def _drain(self) -> None:
        """Nothing new: return unsent claims and wait for the answers of what was sent."""
        try:
            await self._give_back()
        finally:
            if self._sending:
                await asyncio.wait(set(self._sending))


@dataclass(frozen=True)
class _Stop:
    """Dispatching ends; `ending` says how to leave the batch, None as it is."""

    ending: Ending | None


def _record(connection: sa.Connection, results: list[Result], by: str) -> None:
    certainly_not = call_store.record(connection, results, now=days.now(), by=by)
    gate.withdraw_many(connection, ROOM, certainly_not)
