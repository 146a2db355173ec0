"""All SQL of the alerts. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts.records import Alert, Condition, Delivery, KeptAlert

MAX_ATTEMPTS = 12
LEASE = dt.timedelta(minutes=2)
"""How long a delivery may be under way before it counts as cut off."""
LOOK_BACK = dt.timedelta(days=1)
"""A channel that is added gets the alerts of the last day, not the whole history."""

_RECORD = sa.text("""
    INSERT INTO alerts (key, severity, room, title, text, created_at)
    VALUES (:key, :severity, :room, :title, :text, :now)
    ON CONFLICT ON CONSTRAINT uq_alerts_key DO NOTHING
    RETURNING id""")

_PLAN = sa.text("""
    INSERT INTO alert_deliveries (alert_id, channel, state, attempts, due_at)
    SELECT alerts.id, channel, 'pending', 0, :now
    FROM alerts CROSS JOIN unnest(CAST(:channels AS text[])) AS channel
    WHERE alerts.created_at > :since
    ON CONFLICT DO NOTHING""")

_CLAIM = sa.text("""
    WITH due AS (
        SELECT alert_id, channel, state FROM alert_deliveries
        WHERE state IN ('pending', 'sending') AND due_at <= :now AND channel = ANY(CAST(:channels AS text[]))
        ORDER BY alert_id LIMIT :limit
        FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE alert_deliveries AS delivery
        SET state = 'sending', attempts = attempts + 1, due_at = :lease_ends
        FROM due WHERE delivery.alert_id = due.alert_id AND delivery.channel = due.channel
        RETURNING delivery.alert_id, delivery.channel, delivery.attempts, due.state = 'sending' AS repeat)
    SELECT alert_id, channel, severity, title, text, attempts, repeat
    FROM claimed JOIN alerts ON alerts.id = claimed.alert_id
    ORDER BY alert_id, channel""")

_SETTLE = sa.text("""
    UPDATE alert_deliveries SET state = :state, due_at = :due_at, settled_at = :settled_at
    WHERE alert_id = :alert_id AND channel = :channel AND state = 'sending' AND attempts = :attempts""")

_JUDGE = sa.text("""
    INSERT INTO alert_conditions AS known (name, failing, severity, event, announced_event, announced_at)
    VALUES (:name, :failing, :severity, :event, CASE WHEN :failing THEN CAST(:event AS bigint) END, :now)
    ON CONFLICT (name) DO UPDATE SET
        (failing, severity, event, announced_event, announced_at) = (
            SELECT excluded.failing, excluded.severity, excluded.event,
                   CASE WHEN announce THEN excluded.event ELSE known.announced_event END,
                   CASE WHEN announce THEN excluded.announced_at ELSE known.announced_at END
            FROM (SELECT excluded.failing <> known.failing
                      OR excluded.failing AND known.announced_at <= :remind_before
                      OR excluded.failing AND excluded.severity = 'error' AND known.severity <> 'error'
                 ) AS change (announce))
    WHERE known.event < excluded.event
    RETURNING announced_event = event AS announced""")

_KEPT = sa.text("""
    SELECT id, key, severity, room, title, text, created_at,
           count(*) FILTER (WHERE state = 'delivered') AS delivered,
           count(*) FILTER (WHERE state IN ('pending', 'sending')) AS waiting,
           count(*) FILTER (WHERE state = 'failed') AS failed
    FROM alerts LEFT JOIN alert_deliveries ON alert_id = id
    WHERE created_at >= :since
    GROUP BY id ORDER BY id DESC LIMIT :limit""")

_PRUNE_ALERTS = sa.text("DELETE FROM alerts WHERE created_at < :before")
_PRUNE_CONDITIONS = sa.text("DELETE FROM alert_conditions WHERE announced_at < :before")


def record(connection: sa.Connection, alert: Alert) -> bool:
    """Keep an alert; False when its key is known already. It is sent once the transaction is committed."""
    return connection.execute(_RECORD, {**alert.__dict__, "now": days.now()}).first() is not None


def judge(connection: sa.Connection, condition: Condition, *, remind_after: dt.timedelta) -> str:
    """Keep a condition's newest judgement and say what it is: `old` (not newer than the one known), `quiet`, `failing`
    (newly, more severely, or again after `remind_after`) or `recovered`."""
    now = days.now()
    row = connection.execute(
        _JUDGE,
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
    connection.execute(_PLAN, {"channels": list(channels), "now": now, "since": now - LOOK_BACK})


def claim_deliveries(connection: sa.Connection, channels: Sequence[str], *, limit: int) -> list[Delivery]:
    """Take deliveries that are due, oldest alert first; nobody else gets them until their lease ends."""
    now = days.now()
    rows = connection.execute(_CLAIM, {"channels": list(channels), "now": now, "lease_ends": now + LEASE, "limit": limit})
    return [Delivery(**row) for row in rows.mappings()]


def settle_delivery(connection: sa.Connection, delivery: Delivery, *, arrived: bool) -> None:
    """Keep what became of a claimed delivery. One that did not arrive is due again later, twelve times in all."""
    now = days.now()
    state = "delivered" if arrived else "pending" if delivery.attempts < MAX_ATTEMPTS else "failed"
    connection.execute(
        _SETTLE,
        {
            "alert_id": delivery.alert_id,
            "channel": delivery.channel,
            "attempts": delivery.attempts,
            "state": state,
            "due_at": now + dt.timedelta(seconds=min(15 * 2**delivery.attempts, 3600)),
            "settled_at": None if state == "pending" else now,
        },
    )


def kept_alerts(connection: sa.Connection, *, since: dt.datetime, limit: int = 100) -> list[KeptAlert]:
    """The newest alerts since an instant, newest first."""
    rows = connection.execute(_KEPT, {"since": since, "limit": limit})
    return [KeptAlert(**row) for row in rows.mappings()]


def prune(connection: sa.Connection, *, before: dt.datetime) -> int:
    """Remove alerts and idle conditions older than `before`; returns how many alerts."""
    connection.execute(_PRUNE_CONDITIONS, {"before": before})
    return connection.execute(_PRUNE_ALERTS, {"before": before}).rowcount
