"""The SQL of the alerts. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts.records import Alert, Change, Condition, Delivery, StoredAlert
from calling_pipeline.alerts.tables import alert_conditions, alert_deliveries, alerts
from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.database.sql import load

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
_STORED_ALERTS = load("alerts/stored_alerts")


def record(connection: sa.Connection, alert: Alert) -> bool:
    """Record an alert; False when its key is known already. It is sent once the transaction is committed."""
    return connection.execute(_RECORD, {**asdict(alert), "now": days.now()}).first() is not None


def save_judgement(connection: sa.Connection, condition: Condition, *, remind_after: dt.timedelta) -> Change:
    """Save a condition's newest judgement and say how it changed the condition.

    `failing` stands for newly, more severely, or again after `remind_after`.
    """
    now = days.now()
    row = connection.execute(
        _SAVE_JUDGEMENT,
        {
            "name": condition.name,
            "failing": condition.failing,
            "severity": condition.severity,
            "event": condition.event,
            "now": now,
            "remind_before": now - remind_after,
        },
    ).first()
    if row is None:
        return "old"
    if not row.announced:
        return "quiet"
    return "failing" if condition.failing else "recovered"


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
    """Remove alerts and idle conditions older than `before`; returns how many alerts."""
    connection.execute(alert_conditions.delete().where(alert_conditions.c.announced_at < before))
    return connection.execute(alerts.delete().where(alerts.c.created_at < before)).rowcount
