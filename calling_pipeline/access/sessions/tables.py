"""The sessions of pages."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class AccessSessionColumns(Columns):
    """One row per login."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    digest = sa.Column(sa.LargeBinary, nullable=False, comment="SHA-256 of the cookie's value")
    person_id = sa.Column(sa.BigInteger, sa.ForeignKey("people.id"), nullable=False)
    created_at = sa.Column(Instant, nullable=False)
    last_seen_at = sa.Column(Instant, nullable=False, comment="exact to the minute")
    expires_at = sa.Column(Instant, nullable=False, comment="it ends then, however busy it is")
    ended_at = sa.Column(Instant, comment="by logout, a new password, or because the person was disabled")


access_sessions = sa.Table(
    "access_sessions",
    metadata,
    AccessSessionColumns,
    sa.UniqueConstraint("digest", name="uq_access_sessions_digest"),
    sa.Index("ix_access_sessions_person_id", "person_id", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("ix_access_sessions_expires_at", "expires_at"),
    comment="Sessions of people who logged in to pages, as digests",
)
