"""The task ledger's tables: one row per task id, per charged act, per refusal, and per day and feature."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class _TaskLedgerColumns(Columns):
    task_id = sa.Column(sa.Text, primary_key=True)
    feature = sa.Column(sa.Text, nullable=False)
    state = sa.Column(sa.Text, nullable=False)
    credits = sa.Column(sa.BigInteger, nullable=False)
    free = sa.Column(sa.Boolean, nullable=False)
    charged_act = sa.Column(sa.Text, nullable=False, comment="key under which its completion is charged")
    details = sa.Column(JSONB, nullable=False)
    created_at = sa.Column(Instant, nullable=False)
    created_by = sa.Column(sa.Text, nullable=False)
    updated_at = sa.Column(Instant, nullable=False, comment="when a save last changed something")
    updated_by = sa.Column(sa.Text, nullable=False)
    finished_at = sa.Column(Instant, comment="when it became completed or failed")
    saves = sa.Column(sa.BigInteger, nullable=False, comment="saves received, refused and repeated ones included")
    last_outcome = sa.Column(sa.Text, nullable=False, comment="what the last save did")
    account = sa.Column(sa.Text, comment="whose it is; null: whoever made it")


task_ledger = sa.Table(
    "task_ledger",
    metadata,
    _TaskLedgerColumns,
    sa.CheckConstraint(
        "task_id <> '' AND credits >= 0 AND CASE state WHEN 'pending' THEN finished_at IS NULL"
        " WHEN 'completed' THEN finished_at IS NOT NULL WHEN 'failed' THEN finished_at IS NOT NULL ELSE false END",
        name="sound",
    ),
    sa.Index("ix_task_ledger_created_at", "created_at"),
    sa.Index("ix_task_ledger_account", sa.text("coalesce(account, created_by)")),
    sa.Index("ix_task_ledger_finished_at", "finished_at", postgresql_using="brin"),
    comment="Every unit of work, one row per task id; never goes backwards",
    postgresql_with={"fillfactor": 70},
)


class _TaskChargesColumns(Columns):
    charged_act = sa.Column(sa.Text, primary_key=True)
    task_id = sa.Column(sa.Text, sa.ForeignKey("task_ledger.task_id"), nullable=False)
    feature = sa.Column(sa.Text, nullable=False)
    credits = sa.Column(sa.BigInteger, nullable=False)
    charged_at = sa.Column(Instant, nullable=False)
    charged_by = sa.Column(sa.Text, nullable=False)


task_charges = sa.Table(
    "task_charges",
    metadata,
    _TaskChargesColumns,
    sa.CheckConstraint("credits > 0", name="credits_positive"),
    sa.UniqueConstraint("task_id", name="uq_task_charges_task_id"),
    sa.Index("ix_task_charges_charged_at", "charged_at", postgresql_using="brin"),
    comment="Credits charged, once per act",
)


class _TaskRefusalsColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    task_id = sa.Column(sa.Text, nullable=False)
    kind = sa.Column(sa.Text, nullable=False)
    from_state = sa.Column(sa.Text, nullable=False)
    to_state = sa.Column(sa.Text, nullable=False)
    credits = sa.Column(sa.BigInteger, nullable=False, comment="credits the refused save asked for")
    reason = sa.Column(sa.Text, nullable=False)
    refused_by = sa.Column(sa.Text, nullable=False, comment="who asked for it")
    refused_at = sa.Column(Instant, nullable=False)


task_refusals = sa.Table(
    "task_refusals",
    metadata,
    _TaskRefusalsColumns,
    sa.CheckConstraint("kind IN ('transition', 'charge')", name="kind"),
    sa.Index("ix_task_refusals_task_id", "task_id"),
    sa.Index("ix_task_refusals_refused_at", "refused_at"),
    comment="Refused moves and refused charges, with who, when and why; append-only",
)


class _TaskUsageColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    feature = sa.Column(sa.Text, primary_key=True)
    created = sa.Column(sa.BigInteger, nullable=False)
    completed = sa.Column(sa.BigInteger, nullable=False)
    failed = sa.Column(sa.BigInteger, nullable=False)
    pending = sa.Column(sa.BigInteger, nullable=False, comment="created that day and still open when this was counted")
    charges = sa.Column(sa.BigInteger, nullable=False)
    credits = sa.Column(sa.BigInteger, nullable=False)
    refusals = sa.Column(sa.BigInteger, nullable=False)
    calculated_at = sa.Column(Instant, nullable=False)


task_usage = sa.Table(
    "task_usage",
    metadata,
    _TaskUsageColumns,
    comment="Tasks and credits by day and feature",
)
