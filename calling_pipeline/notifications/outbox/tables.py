"""What the two outboxes have in common: their columns, and the lanes that keep a receiver's order and rate."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from calling_pipeline.database.tables import Instant, metadata

LONGEST_BODY_BYTES = 2048

notification_lanes = sa.Table(
    "notification_lanes",
    metadata,
    sa.Column("receiver", sa.Text, primary_key=True),
    sa.Column("recent", ARRAY(Instant), nullable=False, comment="claims of the last minute, for the robot's rate"),
    comment="One row a receiver: whoever claims his next message locks it",
)


def outbox_table(name: str, *more: sa.schema.SchemaItem, **options: Any) -> sa.Table:
    """A table of messages with the columns every outbox has, and `more`."""
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("receiver", sa.Text, nullable=False, comment="robot:GROUP or user:CONTACT"),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("cut_bytes", sa.Integer, nullable=False, comment="bytes cut off to fit the vendor's limit"),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, comment="times it was claimed; fences late outcomes"),
        sa.Column("failures", sa.Integer, nullable=False, comment="attempts that count towards giving up"),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("dispatcher", sa.BigInteger, comment="who claimed it last"),
        sa.Column("claimed_at", Instant),
        sa.Column("settled_at", Instant, comment="when it was delivered, given up or abandoned"),
        sa.Column("alerted_at", Instant, comment="when people were told that it is held"),
        sa.Column("last_error", sa.Text),
        sa.Column("history", JSONB, nullable=False, comment="every outcome but delivery, and every decision by hand"),
        sa.Column("created_at", Instant, nullable=False),
        *more,
        sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'unknown', 'dead', 'abandoned')", name="state"),
        sa.CheckConstraint(f"octet_length(body) <= {LONGEST_BODY_BYTES}", name="body_fits"),
        sa.CheckConstraint("receiver ~ '^(robot|user):.'", name="receiver"),
        sa.Index(
            f"uq_{name}_one_in_flight_a_receiver",
            "receiver",
            unique=True,
            postgresql_where=sa.text("state = 'sending'"),
        ),
        sa.Index(f"ix_{name}_lane", "receiver", "id", postgresql_where=sa.text("state IN ('pending', 'sending')")),
        sa.Index(f"ix_{name}_held", "id", postgresql_where=sa.text("state IN ('unknown', 'dead')")),
        **options,
    )
