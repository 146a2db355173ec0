"""The table of the batches."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from calling_pipeline.database.tables import Columns, Instant, metadata


class BatchColumns(Columns):
    """Columns of `call_batches`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    key = sa.Column(sa.Text, nullable=False, comment="task and tick: one tick is planned once")
    calling_task_id = sa.Column(sa.Integer, nullable=False)
    task_name = sa.Column(sa.Text, nullable=False)
    day = sa.Column(sa.Date, nullable=False, comment="daily partition")
    tick_at = sa.Column(Instant, comment="null: started by hand")
    state = sa.Column(sa.Text, nullable=False)
    note = sa.Column(sa.Text, nullable=False, server_default="")
    source = sa.Column(sa.Text, nullable=False)
    recall_days = sa.Column(sa.Integer)
    rate_per_s = sa.Column(sa.Float)
    policy = sa.Column(JSONB, nullable=False)
    card = sa.Column(JSONB, nullable=False)
    runner = sa.Column(UUID(as_uuid=True), comment="fencing: only this runner may claim")
    planned_at = sa.Column(Instant, nullable=False)
    started_at = sa.Column(Instant)
    finished_at = sa.Column(Instant)
    resume_at = sa.Column(Instant, comment="when a waiting batch goes on")
    expires_at = sa.Column(Instant, comment="from then on nobody is called; null: never")
    redial = sa.Column(JSONB, nullable=False, server_default="[]", comment="redial rules that its task had")
    best_time = sa.Column(JSONB, comment="how its calls were ordered by hour, and its draw; null: they were not")
    shadow = sa.Column(sa.Boolean, nullable=False, server_default=sa.false(), comment="planned in shadow mode: never pushed")


call_batches = sa.Table(
    "call_batches",
    metadata,
    BatchColumns,
    sa.UniqueConstraint("key", name="uq_call_batches_key"),
    sa.CheckConstraint("state IN ('planned', 'running', 'waiting', 'paused', 'cancelled', 'completed')", name="state"),
    sa.CheckConstraint("NOT shadow OR state IN ('planned', 'completed')", name="shadow_is_never_pushed"),
    sa.ForeignKeyConstraint(["calling_task_id"], ["calling_tasks.id"], name="fk_call_batches_calling_task"),
    sa.Index("ix_call_batches_day", "day"),
    sa.Index(
        "ix_call_batches_open", "state", "planned_at", postgresql_where=sa.text("state NOT IN ('cancelled', 'completed')")
    ),
    comment="One execution of a calling task",
)
