"""Alerts, their deliveries by channel, and the conditions that are being watched."""

import sqlalchemy as sa
from alembic import op

revision = "0002_alerts"
down_revision = "0001_call_stats"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("key", name="uq_alerts_key"),
        sa.CheckConstraint("severity IN ('info', 'warning', 'error')", name="ck_alerts_severity"),
    )
    op.create_index("ix_alerts_created_at", "alerts", ["created_at"])
    op.create_table(
        "alert_deliveries",
        sa.Column(
            "alert_id",
            sa.BigInteger,
            sa.ForeignKey("alerts.id", ondelete="CASCADE", name="fk_alert_deliveries_alert_id_alerts"),
            primary_key=True,
        ),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'failed')", name="ck_alert_deliveries_state"),
    )
    op.create_index(
        "ix_alert_deliveries_due_at",
        "alert_deliveries",
        ["due_at"],
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_table(
        "alert_conditions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("failing", sa.Boolean, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("event", sa.BigInteger, nullable=False),
        sa.Column("announced_event", sa.BigInteger),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
    )
