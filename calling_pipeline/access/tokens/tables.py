"""The stored tokens of people."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class AccessTokenColumns(Columns):
    """One row per token ever issued."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    digest = sa.Column(sa.LargeBinary, nullable=False, comment="SHA-256 of the token, which is shown once and not kept")
    person_id = sa.Column(sa.BigInteger, sa.ForeignKey("people.id"), nullable=False)
    label = sa.Column(sa.Text, nullable=False, comment="what it is for, in words of who asked for it")
    created_at = sa.Column(Instant, nullable=False)
    created_by = sa.Column(sa.Text, nullable=False)
    expires_at = sa.Column(Instant, comment="empty: until it is revoked")
    last_used_at = sa.Column(Instant, comment="exact to the minute")
    revoked_at = sa.Column(Instant)


access_tokens = sa.Table(
    "access_tokens",
    metadata,
    AccessTokenColumns,
    sa.UniqueConstraint("digest", name="uq_access_tokens_digest"),
    sa.Index("ix_access_tokens_person_id", "person_id"),
    comment="Bearer tokens of people, as digests",
)
