"""What the two outboxes have in common: their columns, and the lanes that keep a receiver's order and rate."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata
from calling_pipeline.notifications.outbox.records import LONGEST_BODY_BYTES


class LaneColumns(Columns):
    """One row per receiver."""

    receiver = sa.Column(sa.Text, primary_key=True)
    recent: sa.Column[Any] = sa.Column(
        ARRAY(Instant), nullable=False, comment="claims of the last minute, for the robot's rate"
    )


notification_lanes = sa.Table(
    "notification_lanes",
    metadata,
    LaneColumns,
    comment="One row per receiver: claiming the receiver's next message locks it",
)


class OutboxColumns(Columns):
    """The columns that every outbox has."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    kind = sa.Column(sa.Text, nullable=False)
    receiver = sa.Column(sa.Text, nullable=False, comment="robot:GROUP or user:CONTACT")
    body = sa.Column(sa.Text, nullable=False)
    cut_bytes = sa.Column(sa.Integer, nullable=False, comment="bytes cut off to fit the vendor's limit")
    metadata = sa.Column(JSONB, nullable=False)
    state = sa.Column(sa.Text, nullable=False)
    attempts = sa.Column(sa.Integer, nullable=False, comment="times it was claimed; fences late outcomes")
    failures = sa.Column(sa.Integer, nullable=False, comment="attempts that count towards giving up")
    due_at = sa.Column(Instant, nullable=False)
    dispatcher = sa.Column(sa.BigInteger, comment="who claimed it last")
    claimed_at = sa.Column(Instant)
    settled_at = sa.Column(Instant, comment="when it was delivered, given up or abandoned")
    alerted_at = sa.Column(Instant, comment="when an alert said that it is held")
    last_error = sa.Column(sa.Text)
    history = sa.Column(JSONB, nullable=False, comment="every outcome but delivery, and every decision by hand")
    created_at = sa.Column(Instant, nullable=False)


OutboxT = TypeVar("OutboxT", bound=OutboxColumns)


def outbox_table(name: str, columns: type[OutboxT], *more: sa.schema.SchemaItem, **options: Any) -> sa.Table[OutboxT]:
    """A table of messages: `columns` are those of every outbox and its own, `more` its own constraints."""
    return sa.Table(
        name,
        metadata,
        columns,
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
        # What people look through is ordered by time, so that none of these is taken for a claim, which goes by id.
        sa.Index(f"ix_{name}_made", "created_at", "id"),
        sa.Index(f"ix_{name}_state", "state", "created_at", "id"),
        sa.Index(f"ix_{name}_receiver", "receiver", "created_at", "id"),
        **options,
    )
