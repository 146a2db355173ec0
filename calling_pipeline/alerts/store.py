"""The SQL of the alerts. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

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
_STORED_CONDITIONS = load("alerts/stored_conditions")
_CLAIM_REMINDERS = load("alerts/claim_reminders")
_ALERTS_ABOUT = load("alerts/stored_alerts", chosen="cast(:condition_id AS bigint) = any(alerts.about)")
_ANY: dict[str, object] = {"only_open": False, "only_kind": "", "wanted_id": None, "max_rows": 1, "rows_before": 0}


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
    limit: int = 100,
    offset: int = 0,
) -> list[StoredCondition]:
    """What is failing, and (unless `only_open`) what recovered since an instant; open ones first, newest change first."""
    values = _ANY | {"since": since, "only_open": only_open, "only_kind": kind, "max_rows": limit, "rows_before": offset}
    return [StoredCondition(**row) for row in connection.execute(_STORED_CONDITIONS, values).mappings()]


def count_conditions(connection: sa.Connection, *, since: dt.datetime, only_open: bool = False, kind: str = "") -> int:
    """How many conditions `conditions` would give without a limit."""
    t = alert_conditions
    wanted = t.c.failing if only_open else sa.or_(t.c.failing, sa.and_(t.c.opened_at.is_not(None), t.c.closed_at >= since))
    counted = sa.select(sa.func.count()).where(wanted)
    return connection.execute(counted.where(t.c.kind == kind) if kind else counted).scalar_one()


def condition(connection: sa.Connection, number: int) -> StoredCondition:
    """One condition by its id; raises `NotFound` when there is none, or when it never was failing."""
    row = connection.execute(_STORED_CONDITIONS, _ANY | {"since": days.now(), "wanted_id": number}).mappings().first()
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
