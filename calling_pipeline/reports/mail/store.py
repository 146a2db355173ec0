"""The SQL of deliveries: planning, claims, results, lists. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import ORPHANED, is_gone
from calling_pipeline.database.sql import load, load_driver
from calling_pipeline.outgoing.store import is_held
from calling_pipeline.reports.mail.records import CHANNEL, HELD, Attempt, Delivery, DeliveryState, Edition, Selection
from calling_pipeline.reports.mail.tables import report_deliveries
from calling_pipeline.reports.records import Period

CLAIM, RECORD, RELEASE, UNCOMPOSED = (
    load_driver(f"reports/mail/{name}") for name in ("claim", "record", "release", "uncomposed")
)
_PLAN, _SUPERSEDE, _UNPLANNED = (load(f"reports/mail/{name}") for name in ("plan", "supersede", "unplanned"))
LOOK_BACK = dt.timedelta(days=3)
"""A report made longer ago is not mailed by itself any more."""
SUPERSEDED = "a newer revision takes its place"
_c = report_deliveries.c


def plan(
    connection: sa.Connection, due: Mapping[tuple[str, int], dt.datetime], *, now: dt.datetime, domain: str
) -> tuple[int, int]:
    """Make the deliveries that are missing; returns how many were made, and how many older revisions were abandoned.

    `due`: days of the week and hour of a subscription → from when on it is served.
    """
    gone = connection.execute(_SUPERSEDE, {"now": now, "why": SUPERSEDED}).rowcount
    values = {
        "now": now,
        "since": now - LOOK_BACK,
        "domain": domain,
        "week_days": [name for name, _ in due],
        "not_before": [hour for _, hour in due],
        "due": list(due.values()),
    }
    return connection.execute(_PLAN, values).rowcount, gone


def unplanned(connection: sa.Connection) -> bool:
    """Whether a delivery is to be made of a report."""
    return bool(connection.execute(_UNPLANNED, {"since": days.now() - LOOK_BACK}).scalar_one())


def claim_values(mailer: int, slots: int, composed: Sequence[Edition], *, by_mail: bool) -> Mapping[str, Any]:
    """Parameters of `CLAIM`."""
    return {"me": mailer, "slots": slots, **uncomposed_values(composed, by_mail=by_mail)}


def uncomposed_values(composed: Sequence[Edition], *, by_mail: bool) -> Mapping[str, Any]:
    """Parameters of `UNCOMPOSED`."""
    return {
        "now": days.now(),
        "by_mail": by_mail,
        "report_ids": [one.report_id for one in composed],
        "languages": [one.language for one in composed],
        "formats": [",".join(one.formats) for one in composed],
        "corrections": [one.correction for one in composed],
    }


def record_values(mailer: int, results: Sequence[Attempt]) -> Mapping[str, Any]:
    """Parameters of `RECORD`."""
    return {
        "me": mailer,
        "now": days.now(),
        "ids": [one.claimed.id for one in results],
        "attempts": [one.claimed.attempts for one in results],
        "states": [one.state for one in results],
        "answers": [one.answer for one in results],
        "queue_ids": [one.queue_id for one in results],
        "due": [one.due_at for one in results],
        "failed": [int(one.failed) for one in results],
    }


def lock_name(mailer: int) -> tuple[str, int]:
    """The name of the lock that a mailer holds as long as it lives."""
    return "report mailer", mailer


def orphaned_mailers(connection: sa.Connection) -> list[int]:
    """Processes that have deliveries in hand and are gone; none comes back before this transaction ends."""
    owners = connection.execute(sa.select(_c.mailer).where(_c.state == "sending").distinct()).scalars().all()
    return [owner for owner in owners if owner is not None and is_gone(connection, *lock_name(owner))]


def mark_orphans_unknown(connection: sa.Connection) -> int:
    """Mark deliveries as unknown whose process ended with them in hand; returns how many."""
    owners = orphaned_mailers(connection)
    if not owners:
        return 0
    change = _change("unknown", ORPHANED, by="delivery")
    found = report_deliveries.update().where(_c.state == "sending", _c.mailer.in_(owners)).values(**change)
    return connection.execute(found).rowcount


def move(
    connection: sa.Connection, ids: Sequence[int], states: Sequence[DeliveryState], to: DeliveryState, *, by: str, why: str
) -> list[int]:
    """Put those of `ids` that are in `states` into another by hand; returns their ids. `pending` is due at once."""
    change = _change(to, why, by=by)
    if to == "pending":
        change |= {"due_at": days.now(), "failures": 0, "settled_at": None, "mailer": None}
    moved = report_deliveries.update().where(_c.id.in_(ids), _c.state.in_(states)).values(**change).returning(_c.id)
    return sorted(connection.execute(moved).scalars())


def hold_waiting(connection: sa.Connection, *, by: str, why: str) -> list[int]:
    """Let every delivery that waits be unknown, for it may have been sent; returns their ids."""
    waiting = connection.execute(sa.select(_c.id).where(_c.state == "pending")).scalars().all()
    return move(connection, waiting, ("pending",), "unknown", by=by, why=why)


def abandon_waiting(connection: sa.Connection, kind: str, receiver: str, *, by: str, why: str) -> int:
    """Give up what waits to be sent of a kind of report to a receiver; returns how many."""
    change = _change("abandoned", why, by=by)
    of_receiver = (_c.kind == kind, sa.func.lower(_c.receiver) == receiver.lower(), _c.state == "pending")
    return connection.execute(report_deliveries.update().where(*of_receiver).values(**change)).rowcount


def chosen(connection: sa.Connection, selection: Selection, *, lock: bool = False) -> list[tuple[int, DeliveryState]]:
    """Id and state of the deliveries of a selection, oldest first; with `lock` nobody changes them meanwhile."""
    found = sa.select(_c.id, _c.state).where(*_wanted(selection)).order_by(_c.id)
    return [(row.id, row.state) for row in connection.execute(found.with_for_update() if lock else found)]


def listed(connection: sa.Connection, selection: Selection, *, limit: int, offset: int = 0) -> list[Delivery]:
    """Deliveries of a selection, the newest first."""
    columns = (
        _c.id, _c.report_id, _c.kind, _c.first, _c.last, _c.revision, _c.receiver, _c.language, _c.formats, _c.correction,
        _c.state, _c.attempts, _c.due_at, _c.settled_at, _c.message_id, _c.queue_id, _c.answer, _c.created_at, _c.history,
    )  # fmt: skip
    found = sa.select(*columns).where(*_wanted(selection)).order_by(_c.created_at.desc(), _c.id.desc())
    return [_delivery(row) for row in connection.execute(found.limit(limit).offset(offset)).mappings()]


def count(connection: sa.Connection, selection: Selection) -> int:
    """How many deliveries a selection has."""
    found = sa.select(sa.func.count()).select_from(report_deliveries).where(*_wanted(selection))
    return connection.execute(found).scalar_one()


def open_counts(connection: sa.Connection) -> dict[str, int]:
    """Deliveries that wait, are in hand or are held, by state."""
    open_states = ("pending", "sending", *HELD)
    found = sa.select(_c.state, sa.func.count()).where(_c.state.in_(open_states)).group_by(_c.state)
    return {row[0]: row[1] for row in connection.execute(found)}


def next_due(connection: sa.Connection, *, by_mail: bool = True) -> dt.datetime | None:
    """When the first delivery that waits is due; None when none waits, or mails are held back.

    Without `by_mail` only channels count.
    """
    first = sa.select(sa.func.min(_c.due_at)).where(_c.state == "pending", ~is_held("mails"))
    return connection.execute(first if by_mail else first.where(_to_channel())).scalar_one()


def postpone(connection: sa.Connection, until: dt.datetime, *, why: str) -> int:
    """Let mails that are due wait until then, since the server cannot be used; returns how many."""
    due = report_deliveries.update().where(_c.state == "pending", _c.due_at < until, ~_to_channel())
    return connection.execute(due.values(due_at=until, answer=why)).rowcount


def again(connection: sa.Connection, delivery_id: int, message_id: str) -> None:
    """Give a delivery the Message-ID of another mail: a server that knows the old one would leave it out."""
    connection.execute(report_deliveries.update().where(_c.id == delivery_id).values(message_id=message_id))


def _to_channel() -> sa.ColumnElement[bool]:
    return _c.receiver.startswith(CHANNEL, autoescape=True)


def _wanted(selection: Selection) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if selection.ids is not None:
        wanted.append(_c.id.in_(selection.ids))
    if selection.states:
        wanted.append(_c.state.in_(selection.states))
    if selection.kind:
        wanted.append(_c.kind == selection.kind)
    if selection.receiver:
        wanted.append(sa.func.strpos(sa.func.lower(_c.receiver), selection.receiver.lower()) > 0)
    if selection.period:
        wanted.append(_c.first == selection.period)
    return wanted


def _change(state: DeliveryState, why: str, *, by: str) -> dict[str, Any]:
    now = days.now()
    entry = sa.func.jsonb_build_array(
        sa.func.jsonb_build_object(
            "at", sa.cast(now, sa.DateTime(timezone=True)), "from", _c.state, "to", state, "by", by, "why", why
        )
    )
    change: dict[str, Any] = {"state": state, "answer": why, "history": _c.history.op("||")(entry)}
    if state in ("sent", "abandoned"):
        change["settled_at"] = now
    return change


def _delivery(row: sa.RowMapping) -> Delivery:
    values = dict(row)
    period = Period(values.pop("kind"), values.pop("first"), values.pop("last"))
    values["formats"] = tuple(values["formats"])
    values["history"] = tuple(values["history"])
    for name in ("due_at", "settled_at", "created_at"):
        if values[name] is not None:
            values[name] = values[name].astimezone(days.SHANGHAI)
    return Delivery(period=period, **values)
