"""The SQL of an outbox, for any table made by `tables.outbox_table`: claims, results, settling by hand.

Only a receiver's oldest open message can be claimed, and only while the receiver has none in flight, so that messages
arrive in order; a robot's rate is counted in its lane. Nothing here commits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import ORPHANED, is_gone
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.database.sql import load, load_driver
from calling_pipeline.database.tables import Instant
from calling_pipeline.notifications.outbox.records import (
    HELD,
    AttemptResult,
    Figures,
    HeldGroup,
    HeldMessage,
    LaneUse,
    MessageState,
    Selection,
    StoredMessage,
)
from calling_pipeline.notifications.outbox.tables import OutboxColumns, notification_lanes
from calling_pipeline.outgoing.store import is_held

RATE_WINDOW_S = 60.5
"""A robot's minute, and a little for clocks that differ and for the way to the vendor."""
ROBOT, USER = "robot:", "user:"
_STATE_SETTLED: Mapping[Settlement, MessageState] = {"done": "delivered", "retry": "pending", "abandoned": "abandoned"}


class Outbox:
    """One table of messages about `about`.

    `subject` is the column that people know a message by; `asset` shows them in Dagster.
    """

    def __init__(
        self, table: sa.Table[OutboxColumns], subject: str, *, about: str, asset: str, asset_has_days: bool = False
    ) -> None:
        self.table = table
        self.about = about
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
        return [owner for owner in owners if is_gone(connection, *lock_name(owner))]

    @property
    def cause(self) -> sa.ColumnElement[str]:
        """What `last_error` says without what differs from message to message: `errcode 93000`, `HTTP 503`."""
        said = sa.func.regexp_replace(self.table.c.last_error, r"^given up after \d+ attempts: ", "")
        return sa.func.coalesce(sa.func.btrim(sa.func.regexp_replace(said, r"( at |[:;,(]).*$", "")), "")

    def settle(
        self, connection: sa.Connection, ids: Sequence[int] | None, *, as_: Settlement, by: str, why: str
    ) -> list[int]:
        """Settle held messages by hand (all of them when `ids` is None); returns the ids that were held."""
        change = self._requeue(why, by=by) if as_ == "retry" else self._change(_STATE_SETTLED[as_], why, by=by)
        return self._change_where(connection, HELD, ids, change)

    def hold_waiting(self, connection: sa.Connection, *, by: str, why: str) -> list[int]:
        """Let every message that waits be unknown, for it may have been sent; returns their ids."""
        return self._change_where(connection, ("pending",), None, self._change("unknown", why, by=by))

    def redrive(
        self,
        connection: sa.Connection,
        ids: Sequence[int] | None,
        *,
        by: str,
        why: str = "redriven",
        per_minute: int | None = None,
    ) -> list[int]:
        """Put dead letters back into the queue; returns their ids. `per_minute` spreads those named, in the order of `ids`.

        A dead letter was certainly not sent. A message whose outcome is unknown is never redriven: it would arrive twice.
        """
        change = self._requeue(why, by=by)
        if ids is not None and per_minute:
            place = sa.func.array_position(sa.literal(list(ids), ARRAY(sa.BigInteger)), self.table.c.id) - 1
            change["due_at"] = sa.cast(days.now(), Instant) + place * (dt.timedelta(minutes=1) / per_minute)
        return self._change_where(connection, ("dead",), ids, change)

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

    def open_up_to(self, connection: sa.Connection, most: int) -> dict[str, int]:
        """Messages that are not settled by state, every state; each is counted up to `most`."""
        t = self.table
        counts = []
        for state in ("pending", "sending", *HELD):
            first = sa.select(t.c.id).where(t.c.state == state).limit(most).subquery()
            counts.append(sa.select(sa.func.count()).select_from(first).scalar_subquery().label(state))
        return dict(connection.execute(sa.select(*counts)).one()._mapping)

    def next_due(self, connection: sa.Connection) -> dt.datetime | None:
        """When the first of the pending messages is due; None when none is pending, or messages are held back."""
        t = self.table
        pending = sa.and_(t.c.state == "pending", ~is_held("messages"))
        return connection.execute(sa.select(sa.func.min(t.c.due_at)).where(pending)).scalar_one()

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

    def selected(
        self, connection: sa.Connection, selection: Selection, *, limit: int | None, offset: int = 0
    ) -> list[StoredMessage]:
        """The messages of a selection, oldest first."""
        return self._stored(connection, self._selected(selection), limit, offset=offset)

    def newest(
        self, connection: sa.Connection, selection: Selection, *, limit: int | None, offset: int = 0
    ) -> list[StoredMessage]:
        """The messages of a selection, those made last at the top."""
        order = (self.table.c.created_at.desc(), self.table.c.id.desc())
        return self._stored(connection, self._selected(selection), limit, offset=offset, order=order)

    def chosen(self, connection: sa.Connection, selection: Selection, *, lock: bool) -> list[tuple[int, MessageState]]:
        """Id and state of the messages of a selection, oldest first; with `lock` nobody changes them meanwhile."""
        query = sa.select(self.table.c.id, self.table.c.state).where(*self._selected(selection)).order_by(self.table.c.id)
        return [(row.id, row.state) for row in connection.execute(query.with_for_update() if lock else query)]

    def count(self, connection: sa.Connection, selection: Selection) -> int:
        """How many messages a selection has."""
        counted = sa.select(sa.func.count()).select_from(self.table).where(*self._selected(selection))
        return connection.execute(counted).scalar_one()

    def held_groups(self, connection: sa.Connection) -> list[HeldGroup]:
        """Held messages by state, cause and receiver, the largest group first."""
        t = self.table
        cause = self.cause.label("cause")
        counted, first, since = sa.func.count().label("messages"), sa.func.min(t.c.id), sa.func.min(t.c.created_at)
        by = (t.c.state, cause, t.c.receiver)
        groups = sa.select(*by, counted, first.label("first_id"), since.label("since")).where(t.c.state.in_(HELD))
        rows = connection.execute(groups.group_by(*by).order_by(counted.desc(), first))
        return [HeldGroup(**row._mapping) for row in rows]

    def figures(self, connection: sa.Connection, since: dt.datetime) -> Figures:
        """How sending went since an instant; doubles and resends are the subject's own to count."""
        row = connection.execute(load("notifications/outbox/figures", box=self.table.name), {"since": since}).one()
        return Figures(since=since, **row._mapping)

    def lanes(self, connection: sa.Connection, now: dt.datetime) -> dict[str, tuple[int, int]]:
        """Receiver → messages that wait, and messages claimed within the last minute."""
        rows = connection.execute(
            load("notifications/outbox/lanes", box=self.table.name), {"now": now, "window_s": RATE_WINDOW_S}
        )
        return {row.receiver: (row.waiting, row.recent) for row in rows}

    def use(self, connection: sa.Connection, now: dt.datetime) -> list[LaneUse]:
        """Every receiver's lane as it stands, the receivers that have one in alphabetical order."""
        values = {"now": now, "window_s": RATE_WINDOW_S, "since": now - dt.timedelta(days=1)}
        rows = connection.execute(load("notifications/outbox/use", box=self.table.name), values)
        return [LaneUse(**row._mapping) for row in rows]

    def _selected(self, selection: Selection) -> list[sa.ColumnElement[bool]]:
        t = self.table
        where: list[sa.ColumnElement[bool]] = []
        if selection.ids is not None:
            where.append(self._among(selection.ids))
        if selection.states:
            where.append(t.c.state.in_(selection.states))
        if selection.receiver:
            where.append(t.c.receiver == selection.receiver)
        if selection.cause is not None:
            where.append(self.cause == selection.cause)
        if selection.subject is not None:
            where.append(self.subject == selection.subject)
        if selection.kind is not None:
            where.append(t.c.kind == selection.kind)
        if selection.since is not None:
            where.append(t.c.created_at >= selection.since)
        if selection.until is not None:
            where.append(t.c.created_at < selection.until)
        return where

    def _among(self, ids: Sequence[int]) -> sa.ColumnElement[bool]:
        return self.table.c.id == sa.any_(sa.literal(list(ids), ARRAY(sa.BigInteger)))

    def _stored(
        self,
        connection: sa.Connection,
        where: Iterable[sa.ColumnElement[bool]],
        limit: int | None,
        *,
        offset: int = 0,
        order: Sequence[sa.ColumnElement[Any]] = (),
    ) -> list[StoredMessage]:
        t = self.table
        wanted = (
            t.c.id, self.subject.label("subject"), t.c.kind, t.c.receiver, t.c.state, t.c.attempts, t.c.due_at,
            t.c.created_at, t.c.last_error, t.c.body, t.c.settled_at, t.c.history,
        )  # fmt: skip
        query = sa.select(*wanted).where(*where).order_by(*(order or (t.c.id,))).limit(limit).offset(offset)
        rows = connection.execute(query)
        return [StoredMessage(**{**row._mapping, "history": tuple(row.history)}) for row in rows]

    def _unannounced(self) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        return self.table.c.state.in_(HELD), self.table.c.alerted_at.is_(None)

    def _change_where(
        self, connection: sa.Connection, states: Sequence[MessageState], ids: Sequence[int] | None, change: dict[str, Any]
    ) -> list[int]:
        """Apply `change` to the messages in `states`, among `ids` when given; returns the ids of those changed."""
        t = self.table
        where = [t.c.state.in_(states)] + ([] if ids is None else [self._among(ids)])
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


def lock_name(dispatcher: int) -> tuple[str, int]:
    """The name of the lock that a dispatcher holds as long as it lives."""
    return "notification dispatcher", dispatcher
