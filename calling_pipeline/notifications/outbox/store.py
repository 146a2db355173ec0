"""All SQL of an outbox, for any table made by `tables.outbox_table`: claiming, outcomes, settling by hand.

Only a receiver's oldest open message can be claimed, and only while none of his is in flight, so messages arrive in
order; a robot's rate is counted in its lane. Nothing here commits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from calling_pipeline import days
from calling_pipeline.database.locks import lock_key
from calling_pipeline.notifications.records import Claimed, Fact, KeptMessage, Settlement

RATE_WINDOW_S = 60.5
"""A robot's minute, and a little for clocks and travel."""
ROBOT = "robot:"


class Outbox:
    """One table of messages. `subject` is the column that people know a message by."""

    def __init__(self, table: sa.Table, subject: str) -> None:
        self.table = table
        self.subject = table.c[subject]
        names = {"box": sql.Identifier(table.name)}
        self.claim_sql = _CLAIM.format(**names)
        self.record_sql = _RECORD.format(**names)
        self.release_sql = _RELEASE.format(**names)

    def claim_values(self, dispatcher: int, slots: int, rate: int) -> Mapping[str, Any]:
        """Parameters of `claim_sql`."""
        return {"me": dispatcher, "slots": slots, "rate": rate, "now": days.now(), "window": RATE_WINDOW_S}

    def record_values(self, dispatcher: int, facts: Sequence[Fact]) -> Mapping[str, Any]:
        """Parameters of `record_sql`."""
        return {
            "me": dispatcher,
            "now": days.now(),
            "ids": [fact.message.id for fact in facts],
            "attempts": [fact.message.attempts for fact in facts],
            "states": [fact.state for fact in facts],
            "reasons": [fact.reason for fact in facts],
            "due": [fact.due_at for fact in facts],
            "failed": [int(fact.failed) for fact in facts],
        }

    def bury_the_dead(self, connection: sa.Connection) -> int:
        """Mark as unknown what a dispatcher had claimed when its session ended; returns how many messages."""
        t = self.table
        gone = self.abandoned_by_the_dead(connection)
        if not gone:
            return 0
        reason = "the process that was sending it ended before it could say what became of it"
        change = self._change("unknown", reason, by="dispatch")
        lost = sa.func.coalesce(t.c.dispatcher, 0).in_(gone)
        return connection.execute(t.update().where(t.c.state == "sending", lost).values(**change)).rowcount

    def abandoned_by_the_dead(self, connection: sa.Connection) -> list[int]:
        """Dispatchers whose session is gone while messages of theirs are in flight. One found gone cannot come back
        before this transaction ends."""
        t = self.table
        owner = sa.func.coalesce(t.c.dispatcher, 0)
        owners = connection.execute(sa.select(owner).where(t.c.state == "sending").distinct()).scalars().all()
        return [owner for owner in owners if connection.execute(_IS_GONE, {"key": dispatcher_key(owner)}).scalar_one()]

    def untold(self, connection: sa.Connection) -> bool:
        """Whether people were not told yet of a message that is held."""
        t = self.table
        held = sa.select(t.c.id).where(t.c.state.in_(("unknown", "dead")), t.c.alerted_at.is_(None))
        return bool(connection.execute(sa.select(held.exists())).scalar_one())

    def settle(
        self, connection: sa.Connection, ids: Sequence[int] | None, *, as_: Settlement, by: str, why: str
    ) -> list[int]:
        """Decide by hand what becomes of held messages (`unknown` and `dead`; all of them when `ids` is None).
        Returns the ids that were held and are decided now."""
        t = self.table
        change = self._change("pending" if as_ == "retry" else as_, why, by=by)
        if as_ == "retry":
            change |= {"due_at": days.now(), "failures": 0, "alerted_at": None, "settled_at": None, "dispatcher": None}
        where = [t.c.state.in_(("unknown", "dead"))] + ([] if ids is None else [t.c.id.in_(ids)])
        return sorted(connection.execute(t.update().where(*where).values(**change).returning(t.c.id)).scalars())

    def redrive(self, connection: sa.Connection, ids: Sequence[int] | None, *, by: str) -> list[int]:
        """Put dead letters, which were certainly not sent, back into the queue; never what is unknown."""
        t = self.table
        change = self._change("pending", "redriven", by=by)
        change |= {"due_at": days.now(), "failures": 0, "alerted_at": None, "settled_at": None, "dispatcher": None}
        where = [t.c.state == "dead"] + ([] if ids is None else [t.c.id.in_(ids)])
        return sorted(connection.execute(t.update().where(*where).values(**change).returning(t.c.id)).scalars())

    def newly_held(self, connection: sa.Connection) -> list[tuple[int, str, str]]:
        """Id, state and receiver of held messages people were not told of; they count as told from now on."""
        t = self.table
        told = (
            t.update()
            .where(t.c.state.in_(("unknown", "dead")), t.c.alerted_at.is_(None))
            .values(alerted_at=days.now())
            .returning(t.c.id, t.c.state, t.c.receiver)
        )
        return sorted((row.id, row.state, row.receiver) for row in connection.execute(told))

    def counts(self, connection: sa.Connection) -> dict[str, int]:
        """Messages by state."""
        t = self.table
        rows = connection.execute(sa.select(t.c.state, sa.func.count()).group_by(t.c.state))
        return {row[0]: row[1] for row in rows}

    def next_due(self, connection: sa.Connection) -> dt.datetime | None:
        """When the first of the pending messages is due; None when none is pending."""
        t = self.table
        first: dt.datetime | None = connection.execute(
            sa.select(sa.func.min(t.c.due_at)).where(t.c.state == "pending")
        ).scalar_one()
        return first

    def late(self, connection: sa.Connection, older_than: dt.timedelta, limit: int = 20) -> list[KeptMessage]:
        """Messages pending or in flight for longer than they should be."""
        t = self.table
        late = t.c.created_at < days.now() - older_than
        return self._kept(connection, [t.c.state.in_(("pending", "sending")), late], limit)

    def messages(self, connection: sa.Connection, states: Sequence[str], limit: int = 50) -> list[KeptMessage]:
        """Messages in these states, oldest first."""
        return self._kept(connection, [self.table.c.state.in_(states)], limit)

    def _kept(self, connection: sa.Connection, where: Iterable[sa.ColumnElement[bool]], limit: int) -> list[KeptMessage]:
        t = self.table
        wanted = (
            t.c.id, self.subject.label("subject"), t.c.kind, t.c.receiver, t.c.state, t.c.attempts, t.c.due_at,
            t.c.created_at, t.c.last_error, t.c.history,
        )  # fmt: skip
        rows = connection.execute(sa.select(*wanted).where(*where).order_by(t.c.id).limit(limit))
        return [KeptMessage(**{**row._mapping, "history": tuple(row.history)}) for row in rows]

    def _change(self, state: str, reason: str, *, by: str) -> dict[str, Any]:
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


def dispatcher_key(dispatcher: int) -> int:
    """Key of the session lock a dispatcher holds while it lives."""
    return lock_key("notification dispatcher", dispatcher)


def open_lanes(connection: sa.Connection, receivers: Iterable[str]) -> None:
    """Make sure that every receiver has a lane."""
    wanted = [{"receiver": receiver} for receiver in sorted(set(receivers))]
    if wanted:
        connection.execute(_OPEN_LANE, wanted)


Session = psycopg.AsyncConnection[tuple[Any, ...]]

_IS_GONE = sa.text("SELECT pg_try_advisory_xact_lock(:key)")
_OPEN_LANE = sa.text("INSERT INTO notification_lanes (receiver, recent) VALUES (:receiver, '{}') ON CONFLICT DO NOTHING")

_CLAIM = sql.SQL(
    """
    WITH free AS MATERIALIZED (
        SELECT lane.receiver, head.id
        FROM notification_lanes AS lane
        CROSS JOIN LATERAL (
            SELECT id, due_at FROM {box} AS m
            WHERE m.receiver = lane.receiver AND m.state = 'pending'
            ORDER BY id LIMIT 1
        ) AS head
        WHERE head.due_at <= %(now)s
            AND NOT EXISTS (SELECT FROM {box} AS f WHERE f.receiver = lane.receiver AND f.state = 'sending')
            AND (%(rate)s::int = 0 OR lane.receiver NOT LIKE 'robot:%%' OR (
                SELECT count(*) FROM unnest(lane.recent) AS at
                WHERE at > %(now)s - %(window)s * interval '1 second') < %(rate)s::int)
        LIMIT %(slots)s
        FOR UPDATE OF lane SKIP LOCKED
    ), claimed AS (
        UPDATE {box} AS m
        SET state = 'sending', dispatcher = %(me)s, claimed_at = %(now)s, attempts = m.attempts + 1
        FROM free
        WHERE m.id = free.id AND m.state = 'pending' AND m.due_at <= %(now)s
        RETURNING m.id, m.receiver, m.body, m.attempts, m.failures
    ), counted AS (
        UPDATE notification_lanes AS lane
        SET recent = ARRAY(
            SELECT at FROM unnest(lane.recent) AS at WHERE at > %(now)s - %(window)s * interval '1 second'
        ) || %(now)s::timestamptz
        FROM claimed
        WHERE lane.receiver = claimed.receiver AND %(rate)s::int > 0 AND lane.receiver LIKE 'robot:%%'
    )
    SELECT id, receiver, body, attempts, failures FROM claimed ORDER BY id
    """
)
"""Claim the oldest due message of every lane that is free, within its rate."""

_RECORD = sql.SQL(
    """
    UPDATE {box} AS m
    SET state = fact.state, due_at = fact.due_at, failures = m.failures + fact.failed, last_error = fact.reason,
        settled_at = CASE WHEN fact.state IN ('delivered', 'dead') THEN %(now)s END,
        alerted_at = CASE WHEN fact.state = m.state THEN m.alerted_at END,
        history = CASE WHEN fact.state = 'delivered' AND m.state = 'sending' THEN m.history ELSE
            m.history || jsonb_build_object('at', %(now)s::timestamptz, 'from', m.state, 'to', fact.state,
                'attempt', m.attempts, 'why', fact.reason) END
    FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(reasons)s::text[], %(due)s::timestamptz[],
        %(failed)s::int[]) AS fact (id, attempts, state, reason, due_at, failed)
    WHERE m.id = fact.id AND m.attempts = fact.attempts AND m.dispatcher = %(me)s AND m.state IN ('sending', 'unknown')
    """
)
"""Write outcomes down. A message claimed again since, or settled by hand, is left alone; one that was taken for unknown
while its dispatcher lived on becomes what it is."""

_RELEASE = sql.SQL(
    """
    UPDATE {box}
    SET state = 'pending', attempts = attempts - 1
    WHERE state = 'sending' AND dispatcher = %(me)s AND NOT id = ANY(%(known)s::bigint[])
    """
)
"""Give back what a claim took whose commit was not acknowledged: its dispatcher never began to send it."""

_LAST_DELIVERY = sa.text("""
    SELECT max(settled_at) FROM (
        (SELECT settled_at FROM contract_messages WHERE state = 'delivered' ORDER BY id DESC LIMIT 1)
        UNION ALL
        (SELECT settled_at FROM technician_messages WHERE state = 'delivered' ORDER BY id DESC LIMIT 1)) AS latest
""")


def to_claimed(rows: Iterable[Sequence[Any]]) -> list[Claimed]:
    """Rows of `claim_sql` as records."""
    return [Claimed(*row) for row in rows]


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When WeCom last took a message, of either outbox."""
    latest: dt.datetime | None = connection.execute(_LAST_DELIVERY).scalar_one()
    return latest
