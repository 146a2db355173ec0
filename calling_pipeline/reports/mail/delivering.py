"""Delivering what is due: claim and commit, send, commit the result. Reports leave the house by mail here and nowhere else.

Mails are composed before they are claimed. Half as many as are sent at once are claimed ahead, so that a connection does
not wait for a commit between two mails: a crash leaves at most these and what was being handed over as `unknown`. While the
database is lost, results are kept in memory and nothing new is sent. When the mail server cannot be used, or the work is
to end, nothing more is claimed or begun: what was claimed ahead is given back.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from calling_pipeline import days, measures, tracing
from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.database.retry import LOST, retry_while_lost
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.reports.mail.records import STATE_OF, Attempt, Claimed, Delivered, Edition
from calling_pipeline.reports.mail.store_session import MailerSession
from calling_pipeline.vendors.smtp.records import SendResult

T = TypeVar("T")
GIVE_UP_AFTER = 14
"""Failed attempts, over about half a day with the back-off: greylisting and an outage of hours give nothing up."""
BACKOFF = Backoff(first_s=30.0, longest_s=7200.0, jitter=(0.75, 1.0))
DATABASE_PATIENCE_S = 120.0

_log = logging.getLogger(__name__)


def result_of(claimed: Claimed, sent: SendResult, now: dt.datetime) -> Attempt:
    """What is recorded about one attempt: sent, due again, refused, unknown (it may have been sent), or dead (given up)."""
    state = STATE_OF[sent.outcome]
    if state != "pending":
        return Attempt(claimed, state, sent.answer, sent.queue_id, now, failed=state != "sent")
    if claimed.failures + 1 >= GIVE_UP_AFTER:
        answer = f"given up after {GIVE_UP_AFTER} attempts: {sent.answer}"
        return Attempt(claimed, "dead", answer, "", now, failed=True)
    due_at = now + dt.timedelta(seconds=BACKOFF.wait_s(claimed.failures + 1))
    return Attempt(claimed, "pending", sent.answer, "", due_at, failed=True)


def given_back(claimed: Claimed, now: dt.datetime) -> Attempt:
    """What is recorded about a delivery that was claimed and not begun: it is due as before."""
    return Attempt(claimed, "pending", "claimed and not begun", "", now, failed=False)


class Sends(Protocol):
    """Composes mails and makes deliveries, in threads."""

    def compose(self, edition: Edition) -> None:
        """Make the mail that several receivers get. Raises nothing."""

    def send(self, claimed: Claimed) -> SendResult:
        """Make one delivery of a mail that is composed."""


class Mailer:
    """Makes the deliveries that are due. `width`: sent at once, over a connection each. `by_mail`: whether mails go out."""

    def __init__(self, dsn: str, sender: Sends, *, width: int, by_mail: bool = True) -> None:
        self._dsn = dsn
        self._sender = sender
        self._width = width
        self._claims = width + width // 2
        self._ending = False
        self._by_mail = by_mail
        self._me = secrets.randbits(62)
        self._session: MailerSession | None = None
        self._composed: list[Edition] = []
        self._composing: asyncio.Task[None] | None = None
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._results: list[Attempt] = []  # a claim that is in neither was certainly never begun: see `_open`
        self._arrived = asyncio.Event()
        self.done = Delivered()

    async def run(self) -> Delivered:
        """Send until nothing is due. On cancellation what was begun is finished and recorded first.

        Raises `DatabaseUnavailable` when the database stays away for longer than `DATABASE_PATIENCE_S`.
        """
        with ThreadPoolExecutor(self._width, "mail") as pool, ThreadPoolExecutor(1, "composing") as composing:
            try:
                while await self._turn(pool, composing):
                    pass
            except asyncio.CancelledError:
                self._ending = True
                await self._finish()
                raise
            finally:
                await self._drop_session()
        return self.done

    async def _turn(self, pool: ThreadPoolExecutor, composing: ThreadPoolExecutor) -> bool:
        """Record the results that arrived, claim as many deliveries, begin them; False when nothing is left."""
        results, composed = list(self._results), len(self._composed)
        slots = 0 if self.done.server else self._claims - len(self._in_hand)
        claimed = await self._while_lost(lambda session: self._exchanged(session, results, slots))
        del self._results[: len(results)]
        for one in claimed:
            self._in_hand[one.id] = asyncio.create_task(self._deliver(one, pool))
        if slots > len(claimed) and self._composing is None:
            await self._compose_next(composing)
        if len(self._composed) > composed:
            return True  # a mail was made meanwhile, and nobody looked for its receivers yet
        if not self._in_hand and self._composing is None:
            return bool(results or self._results)
        self._arrived.clear()
        if not self._results:
            await self._arrived.wait()
            await asyncio.sleep(0)  # results that are there already share one transaction
        return True

    async def _compose_next(self, pool: ThreadPoolExecutor) -> None:
        """Begin to compose what is due and not composed yet; meanwhile what is in hand is recorded."""
        edition = await self._while_lost(lambda session: session.uncomposed(self._composed, by_mail=self._by_mail))
        if edition is not None:
            self._composing = asyncio.create_task(self._compose(edition, pool))

    async def _compose(self, edition: Edition, pool: ThreadPoolExecutor) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, self._sender.compose, edition)
        self._composed.append(edition)
        self._composing = None
        self._arrived.set()

    async def _deliver(self, claimed: Claimed, pool: ThreadPoolExecutor) -> None:
        try:
            with tracing.span("mail", delivery=claimed.id):
                sent = await asyncio.get_running_loop().run_in_executor(pool, self._begin, claimed)
        except Exception as error:
            _log.exception("sending report delivery %s failed", claimed.id)
            sent = SendResult("unknown", f"sending broke off: {type(error).__name__}")
        self._results.append(self._noted(claimed, sent))
        del self._in_hand[claimed.id]
        self._arrived.set()

    def _begin(self, claimed: Claimed) -> SendResult | None:
        """In a thread: send it; None when nothing is to be begun any more."""
        if self._ending:
            return None
        sent = self._sender.send(claimed)
        self._ending = self._ending or sent.server
        return sent

    def _noted(self, claimed: Claimed, sent: SendResult | None) -> Attempt:
        """Count a result, and say what is recorded of it."""
        if sent is None:
            return given_back(claimed, days.now())
        result = result_of(claimed, sent, days.now())
        if sent.server:
            self.done.server = sent.answer
        self.done.count(result.state)
        measures.count(measures.REPORT_MAILS, "retry" if result.state == "pending" else result.state)
        return result

    async def _finish(self) -> None:
        if self._in_hand:
            await asyncio.wait(self._in_hand.values())
        results = list(self._results)
        if results:
            await self._while_lost(lambda session: self._exchanged(session, results, 0))

    async def _exchanged(self, session: MailerSession, results: Sequence[Attempt], slots: int) -> list[Claimed]:
        """Results in, claims out, in one transaction."""
        return await session.exchange(results, slots, self._composed, by_mail=self._by_mail)

    async def _while_lost(self, ask: Callable[[MailerSession], Awaitable[T]]) -> T:
        """Ask the database; waits for a lost one."""
        try:
            return await retry_while_lost(
                lambda: self._once(ask), give_up_after_s=DATABASE_PATIENCE_S, first_wait_s=0.05, longest_wait_s=2.0
            )
        except LOST as error:
            raise DatabaseUnavailable(
                f"PostgreSQL was away for {DATABASE_PATIENCE_S:.0f} s during a delivery: {type(error).__name__}"
            ) from error

    async def _once(self, ask: Callable[[MailerSession], Awaitable[T]]) -> T:
        try:
            return await ask(self._session or await self._open())
        except LOST:
            await self._drop_session()
            raise

    async def _open(self) -> MailerSession:
        known = [*self._in_hand, *(result.claimed.id for result in self._results)]
        self._session = await MailerSession.open(self._dsn, self._me, known)
        return self._session

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
