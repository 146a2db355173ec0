"""The SQL of the alerts. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts.records import Alert, Change, Condition, Delivery, StoredAlert, StoredCondition
from calling_pipeline.alerts.tables import alert_conditions, alert_deliveries, alerts
from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.database.sql import load
from calling_pipeline.errors import NotFound

MAX_ATTEMPTS = 12
BACKOFF = Backoff(first_s=30.0, longest_s=3600.0)
CLAIM_TIME_LIMIT = dt.timedelta(minutes=2)
"""How long a delivery may be in flight before its claim counts as orphaned."""
LOOK_BACK = dt.timedelta(days=1)
"""A channel that is added gets the alerts of the last day, not the whole history."""

_RECORD = load("alerts/record")
_PLAN_DELIVERIES = load("alerts/plan_deliveries")
_CLAIM_DELIVERIES = load("alerts/claim_deliveries")
_SAVE_JUDGEMENT = load("alerts/save_judgement")
_STORED_ALERTS = load("alerts/stored_alerts", chosen="alerts.created_at >= :since")
_CLAIM_REMINDERS = load("alerts/claim_reminders")
_ALERTS_ABOUT = load("alerts/stored_alerts", chosen="cast(:condition_id AS bigint) = any(alerts.about)")

_c = alert_conditions.c
_SINCE = sa.func.coalesce(_c.opened_at, _c.announced_at)
_CONDITION = sa.select(
    _c.id, _c.name, _c.kind, _c.subject, _c.day, _c.failing, _c.severity, _c.room, _c.title, _c.text, _c.link,
    _SINCE.label("opened_at"), _c.closed_at, _c.judged_at, _c.announced_at, _c.times_announced, _c.event,
).where(sa.or_(_c.failing, _c.opened_at.is_not(None)))  # fmt: skip
"""Conditions that are or were failing."""
ORDERS: Mapping[str, sa.ColumnElement[Any]] = {
    "since": _SINCE, "until": _c.closed_at, "day": _c.day, "severity": _c.severity, "times": _c.times_announced,
}  # fmt: skip
"""What a list of conditions may be ordered by."""


@dataclass(frozen=True)
class Saved:
    """How a judgement changed its condition, and the condition's id (0 when it changed nothing)."""

    change: Change
    id: int = 0


def record(connection: sa.Connection, alert: Alert) -> bool:
    """Record an alert; False when its key is known already. It is sent once the transaction is committed."""
    values = {**asdict(alert), "about": list(alert.about), "now": days.now()}
    return connection.execute(_RECORD, values).first() is not None


def save_judgement(connection: sa.Connection, condition: Condition, *, remind_after: dt.timedelta) -> Saved:
    """Save a condition's newest judgement and say how it changed the condition.

    `failing` stands for newly, more severely, with another signature, or again after `remind_after`.
    """
    now = days.now()
    values = {**asdict(condition), "kind": condition.kind, "now": now, "remind_before": now - remind_after}
    row = connection.execute(_SAVE_JUDGEMENT, values).first()
    if row is None:
        return Saved("old")
    if not row.announced:
        return Saved("quiet", row.id)
    return Saved("failing" if condition.failing else "recovered", row.id)


def claim_reminders(connection: sa.Connection, *, remind_before: dt.datetime, first_day: dt.date) -> list[StoredCondition]:
    """Failing conditions that were last announced before `remind_before`; from now on they count as announced now.

    Those about a day before `first_day` are left aside.
    """
    values = {"remind_before": remind_before, "first_day": first_day, "now": days.now()}
    rows = connection.execute(_CLAIM_REMINDERS, values).mappings()
    return sorted((StoredCondition(**row) for row in rows), key=lambda known: known.name)


def open_condition(connection: sa.Connection, name: str) -> StoredCondition | None:
    """The condition of that name when it is failing; no other process judges it until the transaction ends."""
    t = alert_conditions
    found = sa.select(t.c.id).where(t.c.name == name, t.c.failing).with_for_update()
    number = connection.execute(found).scalar_one_or_none()
    return None if number is None else condition(connection, number)


def open_conditions(connection: sa.Connection, kind: str) -> list[StoredCondition]:
    """Every failing condition of one kind."""
    return conditions(connection, since=days.now(), only_open=True, kind=kind, limit=100_000)


def conditions(
    connection: sa.Connection,
    *,
    since: dt.datetime,
    only_open: bool = False,
    kind: str = "",
    severity: str = "",
    day: dt.date | None = None,
    text: str = "",
    order: str = "",
    descending: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[StoredCondition]:
    """What is failing, and (unless `only_open`) what recovered since an instant; open ones first, newest change first.

    `text` is looked for in title, subject and text. `order` is a key of `ORDERS`.
    """
    found = _CONDITION.where(*_wanted(since, only_open, kind, severity, day, text)).limit(limit).offset(offset)
    if order:
        column = ORDERS[order]
        found = found.order_by((column.desc() if descending else column.asc()).nulls_last(), _c.id)
    else:
        found = found.order_by(_c.failing.desc(), sa.func.coalesce(_c.closed_at, _SINCE).desc(), _c.id.desc())
    return [StoredCondition(**row) for row in connection.execute(found).mappings()]


def count_conditions(
    connection: sa.Connection,
    *,
    since: dt.datetime,
    only_open: bool = False,
    kind: str = "",
    severity: str = "",
    day: dt.date | None = None,
    text: str = "",
) -> int:
    """How many conditions `conditions` would give without a limit."""
    found = _CONDITION.where(*_wanted(since, only_open, kind, severity, day, text)).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()


def _wanted(
    since: dt.datetime, only_open: bool, kind: str, severity: str, day: dt.date | None, text: str
) -> list[sa.ColumnElement[bool]]:
    wanted = [_c.failing if only_open else sa.or_(_c.failing, _c.closed_at >= since)]
    wanted += [column == value for column, value in ((_c.kind, kind), (_c.severity, severity), (_c.day, day)) if value]
    if text:
        words = sa.func.concat_ws("\n", _c.title, _c.subject, _c.text)
        wanted.append(sa.func.strpos(sa.func.lower(words), text.lower()) > 0)
    return wanted


def condition(connection: sa.Connection, number: int) -> StoredCondition:
    """One condition by its id; raises `NotFound` when there is none, or when it never was failing."""
    row = connection.execute(_CONDITION.where(_c.id == number)).mappings().first()
    if row is None:
        raise NotFound(f"there is no alert condition {number}; `calling-pipeline alerts list` shows those there are")
    return StoredCondition(**row)


def alerts_about(connection: sa.Connection, number: int) -> list[StoredAlert]:
    """The alerts that announced condition `number`, oldest first."""
    rows = connection.execute(_ALERTS_ABOUT, {"condition_id": number, "max_rows": None})
    return [StoredAlert(**row) for row in reversed(rows.mappings().all())]


def plan_deliveries(connection: sa.Connection, channels: Sequence[str]) -> None:
    """Give every alert of the last day a delivery to each of `channels`."""
    now = days.now()
    connection.execute(_PLAN_DELIVERIES, {"channels": list(channels), "now": now, "since": now - LOOK_BACK})


def claim_deliveries(connection: sa.Connection, channels: Sequence[str], *, limit: int) -> list[Delivery]:
    """Claim deliveries that are due, oldest alert first; nobody else claims them within `CLAIM_TIME_LIMIT`."""
    now = days.now()
    values = {"channels": list(channels), "now": now, "claim_ends": now + CLAIM_TIME_LIMIT, "max_rows": limit}
    return [Delivery(**row) for row in connection.execute(_CLAIM_DELIVERIES, values).mappings()]


def settle_delivery(connection: sa.Connection, delivery: Delivery, *, arrived: bool) -> None:
    """Record the result of a claimed delivery. One that did not arrive is due again later, `MAX_ATTEMPTS` times in all.

    A delivery that was claimed again since is left alone.
    """
    now = days.now()
    state = "delivered" if arrived else "pending" if delivery.attempts < MAX_ATTEMPTS else "failed"
    t = alert_deliveries
    connection.execute(
        t.update()
        .where(t.c.alert_id == delivery.alert_id, t.c.channel == delivery.channel)
        .where(t.c.state == "sending", t.c.attempts == delivery.attempts)
        .values(
            state=state,
            due_at=now + dt.timedelta(seconds=BACKOFF.wait_s(delivery.attempts)),
            settled_at=None if state == "pending" else now,
        )
    )


def stored_alerts(connection: sa.Connection, *, since: dt.datetime, limit: int = 100) -> list[StoredAlert]:
    """The newest alerts since an instant, newest first."""
    rows = connection.execute(_STORED_ALERTS, {"since": since, "max_rows": limit})
    return [StoredAlert(**row) for row in rows.mappings()]


def prune(connection: sa.Connection, *, before: dt.datetime) -> int:
    """Remove alerts, and conditions that were last judged, before `before`; returns how many alerts."""
    connection.execute(alert_conditions.delete().where(alert_conditions.c.judged_at < before))
    return connection.execute(alerts.delete().where(alerts.c.created_at < before)).rowcount
