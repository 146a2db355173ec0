"""Alerts, their deliveries by channel, and the conditions that are being watched."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Instant, metadata

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("room", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("key", name="uq_alerts_key"),
    sa.CheckConstraint("severity IN ('info', 'warning', 'error')", name="severity"),
    sa.Index("ix_alerts_created_at", "created_at"),
)

alert_deliveries = sa.Table(
    "alert_deliveries",
    metadata,
    sa.Column("alert_id", sa.ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'failed')", name="state"),
    sa.Index("ix_alert_deliveries_due_at", "due_at", postgresql_where=sa.text("state IN ('pending', 'sending')")),
)

alert_conditions = sa.Table(
    "alert_conditions",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("failing", sa.Boolean, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("event", sa.BigInteger, nullable=False),
    sa.Column("announced_event", sa.BigInteger),
    sa.Column("announced_at", Instant, nullable=False),
)
