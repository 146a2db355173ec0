"""Links that log a person in once, and the attempts that are counted to slow a guesser."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class LoginLinkColumns(Columns):
    """One row per link."""

    digest = sa.Column(sa.LargeBinary, primary_key=True, comment="SHA-256 of the link's secret")
    person_id = sa.Column(sa.BigInteger, sa.ForeignKey("people.id"), nullable=False)
    created_at = sa.Column(Instant, nullable=False)
    created_by = sa.Column(sa.Text, nullable=False)
    expires_at = sa.Column(Instant, nullable=False)
    ended_at = sa.Column(Instant, comment="used, or ended with a new password or because the person was disabled")


login_links = sa.Table(
    "login_links",
    metadata,
    LoginLinkColumns,
    sa.Index("ix_login_links_person_id", "person_id"),
    comment="Links that log one person in once, as digests",
)


class LoginAttemptColumns(Columns):
    """One row per name or address from which somebody tried lately."""

    key = sa.Column(sa.LargeBinary, primary_key=True, comment="digest of the name or address; what was typed is not kept")
    attempts = sa.Column(sa.Integer, nullable=False)
    last_at = sa.Column(Instant, nullable=False)
    next_at = sa.Column(Instant, nullable=False, comment="earlier attempts are refused without a look at the password")


login_attempts = sa.Table(
    "login_attempts",
    metadata,
    LoginAttemptColumns,
    sa.Index("ix_login_attempts_last_at", "last_at"),
    comment="Logins without success, counted per name and per address",
)
