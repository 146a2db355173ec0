"""Tables of the contact policy."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Instant, metadata

do_not_call = sa.Table(
    "do_not_call",
    metadata,
    sa.Column("phone", sa.Text(collation="C"), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("added_by", sa.Text, nullable=False, server_default=""),
    sa.Column("added_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("phone", "source", name="pk_do_not_call"),
    comment="Numbers nobody may contact, one row a source; without expires_at for ever",
)

contact_attempts = sa.Table(
    "contact_attempts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("phone", sa.Text(collation="C"), nullable=False),
    sa.Column("room", sa.Text, nullable=False),
    sa.Column("reference", sa.Text(collation="C"), nullable=False),
    sa.Column("caller", sa.Text),
    sa.Column("tenant", sa.Integer),
    sa.Column("at", Instant, nullable=False),
    sa.UniqueConstraint("room", "reference", name="uq_contact_attempts_room_reference"),
    sa.Index("ix_contact_attempts_phone_at", "phone", "at"),
    sa.Index("ix_contact_attempts_at", "at", postgresql_using="brin"),
    comment="Every attempt that was allowed, answered or not; what the caps count",
)

contact_holidays = sa.Table(
    "contact_holidays",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    comment="Days on which policies that are closed on holidays allow nothing",
)
