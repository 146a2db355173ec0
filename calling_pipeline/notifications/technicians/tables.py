"""Technicians' status changes: an outbox of their own, keyed by change id."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.notifications.outbox.tables import OutboxColumns, outbox_table


class TechnicianMessageColumns(OutboxColumns):
    """Those of an outbox, and the status change that the message is about."""

    change_id = sa.Column(sa.Text, nullable=False)


technician_messages = outbox_table(
    "technician_messages",
    TechnicianMessageColumns,
    sa.CheckConstraint("kind IN ('company', 'robot')", name="kind"),
    sa.UniqueConstraint("change_id", "kind", name="uq_technician_messages_change_id_kind"),
    comment="Messages about technicians' status changes: one to the company, one to the robot",
)
