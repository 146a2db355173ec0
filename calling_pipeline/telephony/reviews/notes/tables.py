"""The table of quality notes: what reviewers think of calls, with history."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class CallNotesColumns(Columns):
    """Columns of `call_notes`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    record_id = sa.Column(sa.BigInteger, sa.ForeignKey("communication_records.id"), nullable=False)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    reviewer = sa.Column(sa.Text, nullable=False)
    score = sa.Column(sa.SmallInteger, nullable=False)
    remark = sa.Column(sa.Text, nullable=False, server_default="")
    noted_at = sa.Column(Instant, nullable=False)
    replaced_at = sa.Column(Instant, comment="when the same reviewer noted something else; empty: what they think now")


call_notes = sa.Table(
    "call_notes",
    metadata,
    CallNotesColumns,
    sa.CheckConstraint("score BETWEEN 1 AND 5", name="score"),
    sa.Index(
        "uq_call_notes_reviewer", "record_id", "reviewer", unique=True, postgresql_where=sa.text("replaced_at IS NULL")
    ),
    sa.Index("ix_call_notes_record", "record_id", "id"),
    sa.Index("ix_call_notes_noted_at", "noted_at"),
    comment="Scores and remarks of reviewers about calls; an opinion that was changed stays",
)
