"""Tables of the takeover: which sources were taken over, and how far each part is."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class _TakeoversColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    source = sa.Column(sa.Text, nullable=False, comment="the old system's database or folder, without a password")
    mapping = sa.Column(sa.Text, nullable=False, comment="SHA-256 of the column mapping")
    dry_run = sa.Column(sa.Boolean, nullable=False)
    by = sa.Column(sa.Text, nullable=False)
    state = sa.Column(sa.Text, nullable=False)
    begun_at = sa.Column(Instant, nullable=False)
    finished_at = sa.Column(Instant)
    error = sa.Column(sa.Text, nullable=False, server_default="")


takeovers = sa.Table(
    "takeovers",
    metadata,
    _TakeoversColumns,
    sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="state_is_known"),
    sa.CheckConstraint("(state = 'done') <= (finished_at IS NOT NULL)", name="done_has_an_end"),
    comment="Takeovers of old systems; a running one whose lock nobody holds goes on when it is asked for again",
)


class _TakeoverPartsColumns(Columns):
    takeover_id = sa.Column(sa.BigInteger, sa.ForeignKey("takeovers.id", ondelete="CASCADE"), primary_key=True)
    part = sa.Column(sa.Text, primary_key=True)
    number = sa.Column(sa.SmallInteger, nullable=False, comment="its place in the order in which parts are taken")
    state = sa.Column(sa.Text, nullable=False)
    places = sa.Column(JSONB, nullable=False, server_default="{}", comment="table of the source → rows read so far")
    rows_read = sa.Column(sa.BigInteger, nullable=False, server_default=sa.text("0"))
    taken = sa.Column(sa.BigInteger, nullable=False, server_default=sa.text("0"))
    already_there = sa.Column(sa.BigInteger, nullable=False, server_default=sa.text("0"))
    reasons = sa.Column(JSONB, nullable=False, server_default="{}", comment="why a row was not taken → rows")
    found = sa.Column(JSONB, nullable=False, server_default="{}", comment="contradictions and notes: how many, examples")
    begun_at = sa.Column(Instant)
    finished_at = sa.Column(Instant)


takeover_parts = sa.Table(
    "takeover_parts",
    metadata,
    _TakeoverPartsColumns,
    sa.CheckConstraint("state IN ('waiting', 'running', 'done')", name="state_is_known"),
    sa.CheckConstraint("(state = 'done') = (finished_at IS NOT NULL)", name="done_has_an_end"),
    comment="What became of the rows of each part of a takeover; committed together with those rows",
)
