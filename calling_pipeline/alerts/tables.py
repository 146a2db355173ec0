"""Alerts, their deliveries by channel, and the conditions that are judged again and again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from calling_pipeline.database.tables import Columns, Instant, metadata


class AlertColumns(Columns):
    """One row per incident."""

    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    key = sa.Column(sa.Text, nullable=False)
    severity = sa.Column(sa.Text, nullable=False)
    room = sa.Column(sa.Text, nullable=False)
    title = sa.Column(sa.Text, nullable=False)
    text = sa.Column(sa.Text, nullable=False)
    created_at = sa.Column(Instant, nullable=False)
    kind = sa.Column(sa.Text, nullable=False, server_default="", comment="key of the table of texts: what to do about it")
    link = sa.Column(sa.Text, nullable=False, server_default="", comment="path of the Dagster UI")
    about: sa.Column[Any] = sa.Column(
        postgresql.ARRAY(sa.BigInteger), nullable=False, server_default="{}", comment="conditions whose state it announces"
    )


alerts = sa.Table(
    "alerts",
    metadata,
    AlertColumns,
    sa.UniqueConstraint("key", name="uq_alerts_key"),
    sa.CheckConstraint("severity IN ('info', 'warning', 'error')", name="severity"),
    sa.Index("ix_alerts_created_at", "created_at"),
)


class AlertDeliveryColumns(Columns):
    """One row per alert and channel."""

    alert_id = sa.Column(sa.BigInteger, sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    channel = sa.Column(sa.Text, primary_key=True)
    state = sa.Column(sa.Text, nullable=False)
    attempts = sa.Column(sa.Integer, nullable=False)
    due_at = sa.Column(Instant, nullable=False)
    settled_at = sa.Column(Instant)


alert_deliveries = sa.Table(
    "alert_deliveries",
    metadata,
    AlertDeliveryColumns,
    sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'failed')", name="state"),
    sa.Index("ix_alert_deliveries_due_at", "due_at", postgresql_where=sa.text("state IN ('pending', 'sending')")),
)


class AlertConditionColumns(Columns):
    """One row per condition, with its newest judgement."""

    name = sa.Column(sa.Text, primary_key=True, comment="KIND:SUBJECT or KIND:SUBJECT:DAY")
    failing = sa.Column(sa.Boolean, nullable=False)
    severity = sa.Column(sa.Text, nullable=False)
    event = sa.Column(sa.BigInteger, nullable=False)
    announced_event = sa.Column(sa.BigInteger)
    announced_at = sa.Column(Instant, nullable=False)
    id = sa.Column(sa.BigInteger, sa.Identity(), nullable=False)
    kind = sa.Column(sa.Text, nullable=False, server_default="")
    subject = sa.Column(sa.Text, nullable=False, server_default="")
    day = sa.Column(sa.Date, comment="the day it is about; empty: it has none")
    room = sa.Column(sa.Text, nullable=False, server_default="")
    title = sa.Column(sa.Text, nullable=False, server_default="")
    text = sa.Column(sa.Text, nullable=False, server_default="")
    link = sa.Column(sa.Text, nullable=False, server_default="", comment="path of the Dagster UI")
    signature = sa.Column(sa.Text, nullable=False, server_default="", comment="another one is announced again while failing")
    times_announced = sa.Column(sa.Integer, nullable=False, server_default="0", comment="alerts since it last turned bad")
    opened_at = sa.Column(Instant, comment="when it last turned bad; empty: it never did")
    closed_at = sa.Column(Instant, comment="when it was good again; empty while it is failing")
    judged_at = sa.Column(Instant, nullable=False, server_default=sa.func.now())


alert_conditions = sa.Table(
    "alert_conditions",
    metadata,
    AlertConditionColumns,
    sa.UniqueConstraint("id", name="uq_alert_conditions_id"),
    sa.Index("ix_alert_conditions_opened_at", "opened_at"),
    sa.Index("ix_alert_conditions_failing", "opened_at", postgresql_where=sa.text("failing")),
)
