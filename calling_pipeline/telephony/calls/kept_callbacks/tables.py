"""The table of kept callbacks: those that cannot be read, or that nothing has confirmed yet."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _KeptCallbacks(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False)
    body_digest = sa.Column(sa.LargeBinary, nullable=False, comment="SHA-256 of the raw body")
    body_sealed = sa.Column(sa.LargeBinary, comment="the raw body, encrypted; empty once it was applied or given up")
    reason = sa.Column(sa.Text, nullable=False)
    sentence = sa.Column(sa.Text, nullable=False, comment="what cannot be read or confirmed")
    call_uuid = sa.Column(sa.Text, nullable=False, server_default="", comment="the call that the body names")
    signed_at = sa.Column(Instant, nullable=False)
    received_at = sa.Column(Instant, nullable=False)
    repeats = sa.Column(sa.Integer, nullable=False, server_default="0")
    closed_at = sa.Column(Instant, comment="empty: it waits")
    closed_by = sa.Column(sa.Text, nullable=False, server_default="")
    outcome = sa.Column(sa.Text, nullable=False, server_default="", comment="what became of it")


kept_callbacks = sa.Table(
    "kept_callbacks",
    metadata,
    _KeptCallbacks,
    sa.CheckConstraint("reason IN ('unreadable', 'unconfirmed')", name="reason"),
    sa.UniqueConstraint("config_id", "body_digest", name="uq_kept_callbacks_body"),
    sa.Index("ix_kept_callbacks_open", "config_id", "call_uuid", postgresql_where=sa.text("closed_at IS NULL")),
    comment="Callbacks that cannot be read, or that nothing has confirmed yet",
)
