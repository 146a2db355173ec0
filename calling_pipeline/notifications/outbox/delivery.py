"""Delivering an outbox: claim and commit, send, commit the result. Messages leave the house here and nowhere else.

A crash leaves at most what is in flight as `unknown`. While the database is lost, results are kept in memory and nothing
new is sent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence

from calling_pipeline import days, measures
from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.database.retry import LOST, retry_while_lost
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.notifications.outbox.records import AttemptResult, ClaimedMessage, DeliveryReport
from calling_pipeline.notifications.outbox.store import Outbox
from calling_pipeline.notifications.outbox.store_session import DispatcherSession
from calling_pipeline.vendors.wecom import SendResult

Send = Callable[[str, str], Awaitable[SendResult]]
"""Receiver and body → the result of sending."""

GIVE_UP_AFTER = 12
"""Failed attempts, over half an hour with the back-off: an outage of minutes makes no dead letters."""
BACKOFF = Backoff(first_s=1.0, longest_s=900.0, jitter=(0.5, 1.0), asked_is_minimum=True)
RATE_LIMIT_BACKOFF = Backoff(first_s=1.0, longest_s=60.0, jitter=(0.5, 1.0), asked_is_minimum=True)
"""The vendor's rate limit lasts for a minute at most."""
DATABASE_PATIENCE_S = 120.0
GATHER_S = 0.002

_log = logging.getLogger(__name__)


def result_of(message: ClaimedMessage, sent: SendResult, now: dt.datetime) -> AttemptResult:
    """What is recorded about one attempt: delivered, due again, unknown (it may have been sent), or dead (given up)."""
    match sent.outcome:
        case "done":
            return AttemptResult(message, "delivered", None, now, failed=False)
        case "unknown":
            return AttemptResult(message, "unknown", sent.reason, now, failed=True)
        case "refused":
            return AttemptResult(message, "dead", sent.reason, now, failed=True)
        case "retry" if not sent.rate_limited and message.failures + 1 >= GIVE_UP_AFTER:
            reason = f"given up after {GIVE_UP_AFTER} attempts: {sent.reason}"
            return AttemptResult(message, "dead", reason, now, failed=True)
        case "retry":
            backoff = RATE_LIMIT_BACKOFF if sent.rate_limited else BACKOFF
            due_at = now + dt.timedelta(seconds=backoff.wait_s(message.attempts, sent.retry_after_s))
            return AttemptResult(message, "pending", sent.reason, due_at, failed=not sent.rate_limited)


class Dispatcher:
    """Delivers what is due in one outbox.

    `width`: messages in flight at once. `rate`: messages per minute to one robot, 0 without a limit.
    """

    def __init__(self, dsn: str, outbox: Outbox, send: Send, *, width: int, rate: int) -> None:
        self._dsn = dsn
        self._outbox = outbox
        self._send = send
        self._width = width
        self._rate = rate
        self._me = secrets.randbits(62)
        self._session: DispatcherSession | None = None
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._results: list[AttemptResult] = []  # a claim that is in neither list was certainly never begun: see `_open`
        self._arrived = asyncio.Event()
        self.report = DeliveryReport()

    async def run(self) -> DeliveryReport:
        """Send until nothing is due. On cancellation what is in flight is finished and recorded first.

        Raises `DatabaseUnavailable` when the database stays away for longer than `DATABASE_PATIENCE_S`.
        """
        try:
            while await self._turn():
                pass
        except asyncio.CancelledError:
            await self._finish()
            raise
        finally:
            await self._drop_session()
        return self.report

    async def _turn(self) -> bool:
        """Record the results that arrived, claim as many messages, begin to send them; False when nothing is left."""
        results = list(self._results)
        claimed = await self._exchange(results, self._width - len(self._in_flight))
        del self._results[: len(results)]
        for message in claimed:
            self._in_flight[message.id] = asyncio.create_task(self._deliver(message))
        if not self._in_flight:
            return bool(results)
        self._arrived.clear()
        if not self._results:
            await self._arrived.wait()
            if len(self._in_flight) > self._width // 4:
                await asyncio.sleep(GATHER_S)  # results that arrive in this time share one transaction
        return True

    async def _deliver(self, message: ClaimedMessage) -> None:
        try:
            sent = await self._send(message.receiver, message.body)
        except Exception as error:
            _log.exception("sending message %s of %s failed", message.id, self._outbox.table.name)
            sent = SendResult("unknown", f"sending broke off: {type(error).__name__}")
        result = result_of(message, sent, days.now())
        self.report.count(result.state)
        measures.count(measures.MESSAGES, self._outbox.table.name, "retry" if result.state == "pending" else result.state)
        self._results.append(result)
        del self._in_flight[message.id]
        self._arrived.set()

    async def _finish(self) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight.values())
        if self._results:
            await self._exchange(list(self._results), 0)

    async def _exchange(self, results: Sequence[AttemptResult], slots: int) -> list[ClaimedMessage]:
        """Results in, claims out, in one transaction; waits for a lost database."""
        try:
            return await retry_while_lost(
                lambda: self._exchange_once(results, slots),
                give_up_after_s=DATABASE_PATIENCE_S,
                first_wait_s=0.05,
                longest_wait_s=2.0,
            )
        except LOST as error:
            raise DatabaseUnavailable(
                f"PostgreSQL was away for {DATABASE_PATIENCE_S:.0f} s during a delivery: {type(error).__name__}"
            ) from error

    async def _exchange_once(self, results: Sequence[AttemptResult], slots: int) -> list[ClaimedMessage]:
        try:
            session = self._session or await self._open()
            return await session.exchange(results, slots, self._rate)
        except LOST:
            await self._drop_session()
            raise

    async def _open(self) -> DispatcherSession:
        known = [*self._in_flight, *(result.message.id for result in self._results)]
        self._session = await DispatcherSession.open(self._dsn, self._outbox, self._me, known)
        return self._session

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
