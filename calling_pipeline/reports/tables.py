"""The ledger of reports: what was made of each period, revision by revision, and the digests of the files made of them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class _ReportsColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    kind = sa.Column(sa.Text, nullable=False)
    first = sa.Column(sa.Date, nullable=False)
    last = sa.Column(sa.Date, nullable=False)
    revision = sa.Column(sa.Integer, nullable=False)
    state = sa.Column(sa.Text, nullable=False)
    partial = sa.Column(JSONB, nullable=False, comment="why the report is not whole; empty when it is")
    facts = sa.Column(JSONB, nullable=False, comment="the whole report without text in a language")
    control = sa.Column(JSONB, nullable=False, comment="its control totals")
    sources = sa.Column(JSONB, nullable=False, comment="which read of each day and track it was made of")
    digest = sa.Column(sa.Text, nullable=False, comment="SHA-256 of what it says of its period")
    changes = sa.Column(JSONB, nullable=False, comment="what differs from the revision before")
    made_at = sa.Column(Instant, nullable=False)
    made_by = sa.Column(sa.Text, nullable=False, comment="the person or run that made it")
    reason = sa.Column(sa.Text, nullable=False, comment="why a person made it by hand; empty for a run")


reports = sa.Table(
    "reports",
    metadata,
    _ReportsColumns,
    sa.CheckConstraint("kind IN ('daily', 'weekly', 'monthly')", name="kind_is_known"),
    sa.CheckConstraint("first <= last", name="ends_after_it_begins"),
    sa.CheckConstraint("revision >= 1", name="revision_counts_from_1"),
    sa.CheckConstraint("state IN ('complete', 'partial')", name="state_is_known"),
    sa.CheckConstraint("(state = 'partial') = (partial <> '[]')", name="partial_says_why"),
    sa.UniqueConstraint("kind", "first", "revision"),
    comment="Every report that was made, one row a revision; nothing here is changed afterwards",
)


class _ReportFilesColumns(Columns):
    report_id = sa.Column(sa.BigInteger, sa.ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    language = sa.Column(sa.Text, primary_key=True)
    format = sa.Column(sa.Text, primary_key=True)
    digest = sa.Column(sa.Text, primary_key=True, comment="SHA-256 of its bytes")
    made_at = sa.Column(Instant, nullable=False, comment="when these bytes were first made")


report_files = sa.Table(
    "report_files",
    metadata,
    _ReportFilesColumns,
    sa.CheckConstraint("language IN ('zh', 'en')", name="language_is_known"),
    sa.CheckConstraint("format IN ('pdf', 'xlsx', 'csv', 'json')", name="format_is_known"),
    comment="Files made of reports: only their digests are kept, since the same facts give the same bytes",
)
