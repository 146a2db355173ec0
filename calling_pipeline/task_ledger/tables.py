"""The task ledger's tables: one row a task id, one a charged act, one a refusal, one a day and feature."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Instant, metadata

task_ledger = sa.Table(
    "task_ledger",
    metadata,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("feature", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("credits", sa.BigInteger, nullable=False),
    sa.Column("free", sa.Boolean, nullable=False),
    sa.Column("charged_act", sa.Text, nullable=False, comment="key under which its completion is charged"),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("updated_at", Instant, nullable=False, comment="when a save last changed something"),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("finished_at", Instant, comment="when it became completed or failed"),
    sa.Column("saves", sa.BigInteger, nullable=False, comment="saves received, refused and repeated ones included"),
    sa.Column("last_outcome", sa.Text, nullable=False, comment="what the last save did"),
    sa.CheckConstraint(
        "task_id <> '' AND credits >= 0 AND CASE state WHEN 'pending' THEN finished_at IS NULL"
        " WHEN 'completed' THEN finished_at IS NOT NULL WHEN 'failed' THEN finished_at IS NOT NULL ELSE false END",
        name="sound",
    ),
    sa.Index("ix_task_ledger_created_at", "created_at"),
    sa.Index("ix_task_ledger_finished_at", "finished_at", postgresql_using="brin"),
    comment="Every unit of work, one row a task id; never goes backwards",
    postgresql_with={"fillfactor": 70},
)

task_charges = sa.Table(
    "task_charges",
    metadata,
    sa.Column("charged_act", sa.Text, primary_key=True),
    sa.Column("task_id", sa.Text, sa.ForeignKey("task_ledger.task_id"), nullable=False),
    sa.Column("feature", sa.Text, nullable=False),
    sa.Column("credits", sa.BigInteger, nullable=False),
    sa.Column("charged_at", Instant, nullable=False),
    sa.Column("charged_by", sa.Text, nullable=False),
    sa.CheckConstraint("credits > 0", name="credits_positive"),
    sa.UniqueConstraint("task_id", name="uq_task_charges_task_id"),
    sa.Index("ix_task_charges_charged_at", "charged_at", postgresql_using="brin"),
    comment="Credits charged, once an act",
)

task_refusals = sa.Table(
    "task_refusals",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("credits", sa.BigInteger, nullable=False, comment="credits the refused save asked for"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("refused_by", sa.Text, nullable=False, comment="who asked for it"),
    sa.Column("refused_at", Instant, nullable=False),
    sa.CheckConstraint("kind IN ('transition', 'charge')", name="kind"),
    sa.Index("ix_task_refusals_task_id", "task_id"),
    sa.Index("ix_task_refusals_refused_at", "refused_at"),
    comment="Refused moves and refused charges, with who, when and why; append-only",
)

task_usage = sa.Table(
    "task_usage",
    metadata,
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("feature", sa.Text, primary_key=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("completed", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("pending", sa.BigInteger, nullable=False, comment="created that day and still open when this was counted"),
    sa.Column("charges", sa.BigInteger, nullable=False),
    sa.Column("credits", sa.BigInteger, nullable=False),
    sa.Column("refusals", sa.BigInteger, nullable=False),
    sa.Column("calculated_at", Instant, nullable=False),
    comment="Tasks and credits by day and feature",
)
