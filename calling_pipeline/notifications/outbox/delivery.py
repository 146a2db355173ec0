"""Delivering an outbox: claim and commit, send, commit the outcome. The one place where messages leave the house.

A crash leaves at most what is in flight as `unknown`. A database that goes away is waited for: outcomes are kept in
memory meanwhile and nothing new is sent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from psycopg.errors import UniqueViolation

from calling_pipeline import days
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.notifications.outbox.store import Outbox, Session, dispatcher_key, to_claimed
from calling_pipeline.notifications.records import Claimed, DispatchReport, Fact
from calling_pipeline.vendors.wecom import Verdict

Send = Callable[[str, str], Awaitable[Verdict]]
"""Receiver and body → what became of it."""

WIDTH = 40
"""Messages in flight at once: thirty-two on the wire, and some whose outcome is just being written down."""
GIVE_UP_AFTER = 12
"""Failed tries, over half an hour with the back-off: an outage of minutes makes no dead letters."""
BACK_OFF_S = 1.0
LONGEST_BACK_OFF_S = 900.0
DATABASE_PATIENCE_S = 120.0
GATHER_S = 0.002

_log = logging.getLogger(__name__)


def fact_of(message: Claimed, verdict: Verdict, now: dt.datetime) -> Fact:
    """What is written down about one attempt: delivered, due again, unknown (perhaps sent), or dead (given up)."""
    match verdict.fate:
        case "done":
            return Fact(message, "delivered", None, now, failed=False)
        case "unknown" | "partly":
            return Fact(message, "unknown", verdict.reason, now, failed=True)
        case "refused":
            return Fact(message, "dead", verdict.reason, now, failed=True)
        case "later" if not verdict.limited and message.failures + 1 >= GIVE_UP_AFTER:
            return Fact(message, "dead", f"given up after {GIVE_UP_AFTER} tries: {verdict.reason}", now, failed=True)
        case "later":
            return Fact(message, "pending", verdict.reason, now + _back_off(message, verdict), failed=not verdict.limited)


def _back_off(message: Claimed, verdict: Verdict) -> dt.timedelta:
    """Exponential with jitter; at least what the vendor asked for; a rate limit lasts a minute at most."""
    longest = 60.0 if verdict.limited else LONGEST_BACK_OFF_S
    step = min(longest, BACK_OFF_S * 2 ** min(message.attempts - 1, 12))
    return dt.timedelta(seconds=max(verdict.retry_after_s or 0.0, step * random.uniform(0.5, 1.0)))


class Dispatcher:
    """Delivers what is due in one outbox. `rate`: messages a minute to one robot, 0 without a limit."""

    def __init__(self, dsn: str, outbox: Outbox, send: Send, *, width: int = WIDTH, rate: int = 20) -> None:
        self._dsn = dsn
        self._outbox = outbox
        self._send = send
        self._width = width
        self._rate = rate
        self._me = secrets.randbits(62)
        self._session: Session | None = None
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._facts: list[Fact] = []  # what is in neither list was, for certain, never begun: see `_open`
        self._arrived = asyncio.Event()
        self.report = DispatchReport()

    async def run(self) -> DispatchReport:
        """Send until nothing is due. On cancellation what is in flight is finished and written down first."""
        try:
            while await self._turn():
                pass
        except asyncio.CancelledError:
            await self._finish()
            raise
        finally:
            if self._session is not None:
                await self._session.close()
        return self.report

    async def _turn(self) -> bool:
        """Write down what arrived, claim as much, begin sending it; False when all is quiet."""
        facts = list(self._facts)
        claimed = await self._exchange(facts, self._width - len(self._in_flight))
        del self._facts[: len(facts)]
        for message in claimed:
            self._in_flight[message.id] = asyncio.create_task(self._deliver(message))
        if not self._in_flight:
            return bool(facts)
        self._arrived.clear()
        if not self._facts:
            await self._arrived.wait()
            if len(self._in_flight) > self._width // 4:
                await asyncio.sleep(GATHER_S)  # a few more arrive meanwhile and share the transaction
        return True

    async def _deliver(self, message: Claimed) -> None:
        try:
            verdict = await self._send(message.receiver, message.body)
        except Exception as error:
            _log.exception("sending message %s of %s failed", message.id, self._outbox.table.name)
            verdict = Verdict("unknown", f"sending broke off: {type(error).__name__}")
        fact = fact_of(message, verdict, days.now())
        self.report.count(fact.state)
        self._facts.append(fact)
        del self._in_flight[message.id]
        self._arrived.set()

    async def _finish(self) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight.values())
        if self._facts:
            await self._exchange(list(self._facts), 0)

    async def _exchange(self, facts: Sequence[Fact], slots: int) -> list[Claimed]:
        """Outcomes in, claims out, in one transaction; waits for a database that is away."""
        deadline = asyncio.get_running_loop().time() + DATABASE_PATIENCE_S
        pause = 0.05
        while True:
            try:
                session = self._session or await self._open()
                return await self._transact(session, facts, slots)
            except UniqueViolation:  # another dispatcher claimed for the same receiver first
                slots = 0
            except psycopg.OperationalError as error:
                await self._drop_session()
                if asyncio.get_running_loop().time() > deadline:
                    raise DatabaseUnavailable(
                        f"PostgreSQL was away for {DATABASE_PATIENCE_S:.0f} s during a dispatch: {type(error).__name__}"
                    ) from error
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)

    async def _transact(self, session: Session, facts: Sequence[Fact], slots: int) -> list[Claimed]:
        async with session.pipeline(), session.transaction(), session.cursor() as cursor:
            if facts:
                values = self._outbox.record_values(self._me, facts)
                await session.execute(self._outbox.record_sql, values, prepare=True)
            if slots <= 0:
                return []
            await cursor.execute(
                self._outbox.claim_sql, self._outbox.claim_values(self._me, slots, self._rate), prepare=True
            )
            rows = await cursor.fetchall()
        return to_claimed(rows)

    async def _open(self) -> Session:
        """A session that holds this dispatcher's lock, so that others see it live; and what an earlier session of it
        claimed without learning so is given back."""
        session = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, connect_timeout=10)
        try:
            await session.execute("SELECT pg_advisory_lock(%s)", [dispatcher_key(self._me)])
            known = [*self._in_flight, *(fact.message.id for fact in self._facts)]
            await session.execute(self._outbox.release_sql, {"me": self._me, "known": known})
        except BaseException:
            await session.close()
            raise
        self._session = session
        return session

    async def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
