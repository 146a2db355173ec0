"""The table of large exports: who asked for what, how far it is, and until when its file may be fetched."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class _ExportsColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    what = sa.Column(sa.Text, nullable=False)
    first = sa.Column(sa.Date, nullable=False)
    last = sa.Column(sa.Date, nullable=False)
    filters = sa.Column(JSONB, nullable=False, comment="what narrows the rows, by name")
    format = sa.Column(sa.Text, nullable=False)
    language = sa.Column(sa.Text, nullable=False)
    asked_by = sa.Column(sa.Text, nullable=False, comment="who asked, and alone may fetch it but for admins")
    asked_at = sa.Column(Instant, nullable=False)
    state = sa.Column(sa.Text, nullable=False, server_default="asked")
    attempts = sa.Column(sa.Integer, nullable=False, server_default="0", comment="how often it was begun")
    rows = sa.Column(sa.BigInteger, nullable=False, server_default=sa.text("0"), comment="written so far")
    expected = sa.Column(sa.BigInteger, comment="rows there are; null until they are counted")
    started_at = sa.Column(Instant)
    finished_at = sa.Column(Instant)
    file = sa.Column(sa.Text, comment="its name in the folder `exports` of CALLING_HOME")
    bytes = sa.Column(sa.BigInteger)
    digest = sa.Column(sa.Text, comment="SHA-256 of its bytes")
    expires_at = sa.Column(Instant, comment="when the file is removed")
    error = sa.Column(sa.Text, comment="why it failed")


exports = sa.Table(
    "exports",
    metadata,
    _ExportsColumns,
    sa.CheckConstraint("what IN ('call_records')", name="what_is_known"),
    sa.CheckConstraint("format IN ('csv.gz', 'xlsx')", name="format_is_known"),
    sa.CheckConstraint("language IN ('zh', 'en')", name="language_is_known"),
    sa.CheckConstraint("first <= last", name="ends_after_it_begins"),
    sa.CheckConstraint("state IN ('asked', 'running', 'done', 'failed', 'removed')", name="state_is_known"),
    sa.CheckConstraint(
        "state NOT IN ('done', 'removed') OR (file IS NOT NULL AND digest IS NOT NULL AND expires_at IS NOT NULL)",
        name="done_has_a_file",
    ),
    sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="failed_says_why"),
    sa.Index("ix_exports_unfinished", "id", postgresql_where=sa.text("state IN ('asked', 'running')")),
    comment="Large exports; a running one whose lock nobody holds lost its process and is begun again",
)
