"""The SQL of an outbox, for any table made by `tables.outbox_table`: claims, results, settling by hand.

Only a receiver's oldest open message can be claimed, and only while the receiver has none in flight, so that messages
arrive in order; a robot's rate is counted in its lane. Nothing here commits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import ORPHANED, is_gone
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.database.locks import lock_key
from calling_pipeline.database.sql import load_driver
from calling_pipeline.notifications.outbox.records import (
    HELD,
    AttemptResult,
    ClaimedMessage,
    HeldMessage,
    MessageState,
    StoredMessage,
)
from calling_pipeline.notifications.outbox.tables import OutboxColumns, notification_lanes

RATE_WINDOW_S = 60.5
"""A robot's minute, and a little for clocks that differ and for the way to the vendor."""
ROBOT = "robot:"
_STATE_SETTLED: Mapping[Settlement, MessageState] = {"done": "delivered", "retry": "pending", "abandoned": "abandoned"}


class Outbox:
    """One table of messages. `subject` is the column that people know a message by; `asset` shows them in Dagster."""

    def __init__(self, table: sa.Table[OutboxColumns], subject: str, *, asset: str, asset_has_days: bool = False) -> None:
        self.table = table
        self.asset = asset
        self.asset_has_days = asset_has_days
        self.subject = table.c[subject]
        self.claim_sql = load_driver("notifications/outbox/claim", box=table.name)
        self.record_sql = load_driver("notifications/outbox/record", box=table.name)
        self.release_sql = load_driver("notifications/outbox/release", box=table.name)

    def claim_values(self, dispatcher: int, slots: int, rate: int) -> Mapping[str, Any]:
        """Parameters of `claim_sql`."""
        return {"me": dispatcher, "slots": slots, "rate": rate, "now": days.now(), "window_s": RATE_WINDOW_S}

    def record_values(self, dispatcher: int, results: Sequence[AttemptResult]) -> Mapping[str, Any]:
        """Parameters of `record_sql`."""
        return {
            "me": dispatcher,
            "now": days.now(),
            "ids": [result.message.id for result in results],
            "attempts": [result.message.attempts for result in results],
            "states": [result.state for result in results],
            "reasons": [result.reason for result in results],
            "due": [result.due_at for result in results],
            "failed": [int(result.failed) for result in results],
        }

    def mark_orphans_unknown(self, connection: sa.Connection) -> int:
        """Mark messages as unknown whose dispatcher ended while they were in flight; returns how many."""
        t = self.table
        owners = self.orphaned_owners(connection)
        if not owners:
            return 0
        change = self._change("unknown", ORPHANED, by="dispatch")
        orphaned = sa.func.coalesce(t.c.dispatcher, 0).in_(owners)
        return connection.execute(t.update().where(t.c.state == "sending", orphaned).values(**change)).rowcount

    def orphaned_owners(self, connection: sa.Connection) -> list[int]:
        """Dispatchers that have messages in flight and whose session is gone.

        None of them can come back before this transaction ends.
        """
        t = self.table
        owner = sa.func.coalesce(t.c.dispatcher, 0)
        owners = connection.execute(sa.select(owner).where(t.c.state == "sending").distinct()).scalars().all()
        return [owner for owner in owners if is_gone(connection, *_lock_name(owner))]

    def settle(
        self, connection: sa.Connection, ids: Sequence[int] | None, *, as_: Settlement, by: str, why: str
    ) -> list[int]:
        """Settle held messages by hand (all of them when `ids` is None); returns the ids that were held."""
        change = self._requeue(why, by=by) if as_ == "retry" else self._change(_STATE_SETTLED[as_], why, by=by)
        return self._change_where(connection, HELD, ids, change)

    def redrive(self, connection: sa.Connection, ids: Sequence[int] | None, *, by: str) -> list[int]:
        """Put dead letters back into the queue; returns their ids.

        A dead letter was certainly not sent. A message whose outcome is unknown is never redriven: it would arrive twice.
        """
        return self._change_where(connection, ("dead",), ids, self._requeue("redriven", by=by))

    def unannounced(self, connection: sa.Connection) -> bool:
        """Whether a message is held that no alert has named yet."""
        return bool(connection.execute(sa.select(sa.exists().where(*self._unannounced()))).scalar_one())

    def announce_held(self, connection: sa.Connection) -> list[HeldMessage]:
        """The held messages that no alert has named yet; from now on they count as named."""
        t = self.table
        announced = (
            t.update()
            .where(*self._unannounced())
            .values(alerted_at=days.now())
            .returning(t.c.id, t.c.state, t.c.receiver, t.c.attempts)
        )
        held = [HeldMessage(**row._mapping) for row in connection.execute(announced)]
        return sorted(held, key=lambda message: message.id)

    def counts(self, connection: sa.Connection) -> dict[str, int]:
        """Messages by state."""
        t = self.table
        rows = connection.execute(sa.select(t.c.state, sa.func.count()).group_by(t.c.state))
        return {row[0]: row[1] for row in rows}

    def open_counts(self, connection: sa.Connection) -> dict[str, int]:
        """Messages that are not settled, by state."""
        t = self.table
        rows = connection.execute(
            sa.select(t.c.state, sa.func.count())
            .where(sa.or_(t.c.state.in_(("pending", "sending")), t.c.state.in_(HELD)))
            .group_by(t.c.state)
        )
        return {row[0]: row[1] for row in rows}

    def next_due(self, connection: sa.Connection) -> dt.datetime | None:
        """When the first of the pending messages is due; None when none is pending."""
        t = self.table
        return connection.execute(sa.select(sa.func.min(t.c.due_at)).where(t.c.state == "pending")).scalar_one()

    def last_delivery(self, connection: sa.Connection) -> dt.datetime | None:
        """When the newest delivered message was delivered; None when none was."""
        t = self.table
        newest = sa.select(t.c.settled_at).where(t.c.state == "delivered").order_by(t.c.id.desc()).limit(1)
        return connection.execute(newest).scalar_one_or_none()

    def late(self, connection: sa.Connection, older_than: dt.timedelta, limit: int = 20) -> list[StoredMessage]:
        """Messages that have been pending or in flight for longer than `older_than`."""
        t = self.table
        late = t.c.created_at < days.now() - older_than
        return self._stored(connection, [t.c.state.in_(("pending", "sending")), late], limit)

    def messages(self, connection: sa.Connection, states: Sequence[MessageState], limit: int = 50) -> list[StoredMessage]:
        """Messages in these states, oldest first."""
        return self._stored(connection, [self.table.c.state.in_(states)], limit)

    def _stored(self, connection: sa.Connection, where: Iterable[sa.ColumnElement[bool]], limit: int) -> list[StoredMessage]:
        t = self.table
        wanted = (
            t.c.id, self.subject.label("subject"), t.c.kind, t.c.receiver, t.c.state, t.c.attempts, t.c.due_at,
            t.c.created_at, t.c.last_error, t.c.history,
        )  # fmt: skip
        rows = connection.execute(sa.select(*wanted).where(*where).order_by(t.c.id).limit(limit))
        return [StoredMessage(**{**row._mapping, "history": tuple(row.history)}) for row in rows]

    def _unannounced(self) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        return self.table.c.state.in_(HELD), self.table.c.alerted_at.is_(None)

    def _change_where(
        self, connection: sa.Connection, states: Sequence[MessageState], ids: Sequence[int] | None, change: dict[str, Any]
    ) -> list[int]:
        """Apply `change` to the messages in `states`, among `ids` when given; returns the ids of those changed."""
        t = self.table
        where = [t.c.state.in_(states)] + ([] if ids is None else [t.c.id.in_(ids)])
        return sorted(connection.execute(t.update().where(*where).values(**change).returning(t.c.id)).scalars())

    def _requeue(self, reason: str, *, by: str) -> dict[str, Any]:
        again = {"due_at": days.now(), "failures": 0, "alerted_at": None, "settled_at": None, "dispatcher": None}
        return self._change("pending", reason, by=by) | again

    def _change(self, state: MessageState, reason: str, *, by: str) -> dict[str, Any]:
        """Column values of a change of state, its entry in the history included."""
        t = self.table
        now = days.now()
        entry = sa.func.jsonb_build_array(
            sa.func.jsonb_build_object(
                "at", sa.cast(now, sa.DateTime(timezone=True)), "from", t.c.state, "to", state, "by", by, "why", reason
            )
        )
        change: dict[str, Any] = {"state": state, "last_error": reason, "history": t.c.history.op("||")(entry)}
        if state in ("delivered", "abandoned"):
            change["settled_at"] = now
        return change


def open_lanes(connection: sa.Connection, receivers: Iterable[str]) -> None:
    """Make sure that every receiver has a lane."""
    wanted = [{"receiver": receiver, "recent": []} for receiver in sorted(set(receivers))]
    if wanted:
        connection.execute(insert(notification_lanes).on_conflict_do_nothing(), wanted)


class DispatcherSession:
    """A dispatcher's session. It holds the dispatcher's lock, by which others see that its claims are not orphaned."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]], outbox: Outbox, dispatcher: int) -> None:
        self._connection = connection
        self._outbox = outbox
        self._dispatcher = dispatcher

    @classmethod
    async def open(cls, dsn: str, outbox: Outbox, dispatcher: int, known: Sequence[int]) -> DispatcherSession:
        """Connect, take the lock, and release what an earlier session of the dispatcher claimed without learning so.

        `known` are the ids of messages that it has in flight, or whose results are not yet recorded. Raises
        `psycopg.OperationalError` when the database cannot be reached.
        """
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=10)
        try:
            key = lock_key(*_lock_name(dispatcher))
            await connection.execute("SELECT pg_advisory_lock(%s)", [key])
            await connection.execute(outbox.release_sql, {"me": dispatcher, "known": list(known)})
        except BaseException:
            await connection.close()
            raise
        return cls(connection, outbox, dispatcher)

    async def exchange(self, results: Sequence[AttemptResult], slots: int, rate: int) -> list[ClaimedMessage]:
        """Record results and claim up to `slots` messages, in one transaction; it may run twice.

        No message is claimed when another dispatcher claimed one for the same receiver at the same time.
        """
        try:
            return await self._transact(results, slots, rate)
        except UniqueViolation:
            return await self._transact(results, 0, rate)

    async def _transact(self, results: Sequence[AttemptResult], slots: int, rate: int) -> list[ClaimedMessage]:
        connection, outbox = self._connection, self._outbox
        async with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            if results:
                values = outbox.record_values(self._dispatcher, results)
                await connection.execute(outbox.record_sql, values, prepare=True)
            if slots <= 0:
                return []
            values = outbox.claim_values(self._dispatcher, slots, rate)
            await cursor.execute(outbox.claim_sql, values, prepare=True)
            return [ClaimedMessage(*row) for row in await cursor.fetchall()]

    async def close(self) -> None:
        """Close the connection, which frees the lock."""
        await self._connection.close()


def _lock_name(dispatcher: int) -> tuple[str, int]:
    return "notification dispatcher", dispatcher
