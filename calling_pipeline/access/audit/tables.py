"""The audit log of all rooms."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from calling_pipeline.database.tables import Columns, Instant, metadata


class AuditLogColumns(Columns):
    """One row per act of a person; rows are only ever added (trigger `audit_log_append_only`)."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    at = sa.Column(Instant, nullable=False)
    person = sa.Column(sa.Text, nullable=False, comment="name of the person, or of the part of the program that acted")
    door = sa.Column(sa.Text, nullable=False, comment="command line, api, console, dagster, program")
    act = sa.Column(sa.Text, nullable=False, comment="what was done, as noun.verb: batch.pause")
    subject = sa.Column(sa.Text, nullable=False, comment="to what it was done, as noun:id: batch:17")
    tenant_id = sa.Column(sa.BigInteger, comment="empty: the act belongs to no tenant")
    reason = sa.Column(sa.Text, nullable=False, comment="why, in the person's words; empty: none was asked for")
    before = sa.Column(postgresql.JSONB(none_as_null=True), comment="what it was; no secret, no full number")
    after = sa.Column(postgresql.JSONB(none_as_null=True), comment="what it became; no secret, no full number")


audit_log = sa.Table(
    "audit_log",
    metadata,
    AuditLogColumns,
    sa.Index("ix_audit_log_at", "at"),
    sa.Index("ix_audit_log_subject", "subject", "id"),
    sa.Index("ix_audit_log_person", "person", "id"),
    sa.Index("ix_audit_log_reason", "id", postgresql_where=sa.text("reason <> ''")),
    comment="Every act of a person in any room through any door; append-only",
)
