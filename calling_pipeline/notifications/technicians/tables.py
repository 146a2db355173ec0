"""Technician status changes: their own send-status store, keyed by change id."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.notifications.outbox.tables import outbox_table

technician_messages = outbox_table(
    "technician_messages",
    sa.Column("change_id", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('company', 'robot')", name="kind"),
    sa.UniqueConstraint("change_id", "kind", name="uq_technician_messages_change_id_kind"),
    comment="Messages about technicians' status changes: one to the company, one to the robot",
)
