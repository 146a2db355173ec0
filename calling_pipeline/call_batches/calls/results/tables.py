"""Tables of what became of pushed calls: one row per push, its sums per batch, and what each day was joined with."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class CallResultColumns(Columns):
    """Columns of `call_results`."""

    call_task_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False, comment="the pushed call")
    batch_id = sa.Column(sa.BigInteger, nullable=False)
    calling_task_id = sa.Column(sa.BigInteger, nullable=False)
    day = sa.Column(sa.Date, nullable=False, comment="daily partition of the batch")
    phone = sa.Column(sa.Text(collation="C"), nullable=False)
    pushed_at = sa.Column(Instant, nullable=False)
    result = sa.Column(sa.Text, nullable=False, comment="waiting: no call record yet")
    record_id = sa.Column(sa.BigInteger, comment="the call record; it may have been deleted since by its retention")
    called_at = sa.Column(Instant)
    talk_s = sa.Column(sa.Integer)
    order_yuan = sa.Column(sa.SmallInteger, nullable=False, server_default="0")
    agent_id = sa.Column(sa.Text)
    hangup_reason = sa.Column(sa.Text)
    province = sa.Column(sa.Text)
    judged_at = sa.Column(Instant, nullable=False, comment="when the result last changed")


call_results = sa.Table(
    "call_results",
    metadata,
    CallResultColumns,
    sa.CheckConstraint("result IN ('waiting', 'not_dialled', 'not_connected', 'connected')", name="result_is_known"),
    sa.CheckConstraint("order_yuan IN (0, 1, 9)", name="order_yuan_is_known"),
    sa.CheckConstraint("(result = 'waiting') = (record_id IS NULL)", name="waiting_without_record"),
    sa.CheckConstraint("(record_id IS NULL) = (called_at IS NULL)", name="record_has_its_time"),
    sa.UniqueConstraint("record_id", name="uq_call_results_record_id", deferrable=True, initially="DEFERRED"),
    sa.Index("ix_call_results_batch", "batch_id"),
    sa.Index("ix_call_results_task_day", "calling_task_id", "day"),
    comment="What became of each pushed call: its call record, by phone and time; kept permanently",
)


class CallResultBatchColumns(Columns):
    """Columns of `call_result_batches`."""

    batch_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    day = sa.Column(sa.Date, nullable=False)
    pushed = sa.Column(sa.Integer, nullable=False)
    connected = sa.Column(sa.Integer, nullable=False)
    not_connected = sa.Column(sa.Integer, nullable=False)
    not_dialled = sa.Column(sa.Integer, nullable=False)
    waiting = sa.Column(sa.Integer, nullable=False)
    order_9 = sa.Column(sa.Integer, nullable=False)
    order_1 = sa.Column(sa.Integer, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    oldest_waiting_at = sa.Column(Instant, comment="when the oldest waiting call was pushed")
    joined_at = sa.Column(Instant, nullable=False)


call_result_batches = sa.Table(
    "call_result_batches",
    metadata,
    CallResultBatchColumns,
    sa.CheckConstraint("pushed = connected + not_connected + not_dialled + waiting", name="adds_up"),
    sa.Index("ix_call_result_batches_day", "day"),
    comment="The results of each batch added up, as of its last join",
)


class CallResultDayColumns(Columns):
    """Columns of `call_result_days`."""

    day = sa.Column(sa.Date, primary_key=True)
    joined_at = sa.Column(Instant, nullable=False)
    reads = sa.Column(JSONB, nullable=False, comment="day of call records → the number of its newest read that changed rows")
    stale = sa.Column(sa.Boolean, nullable=False, server_default=sa.false(), comment="a push was settled since the join")


call_result_days = sa.Table(
    "call_result_days",
    metadata,
    CallResultDayColumns,
    sa.Index("ix_call_result_days_stale", "day", postgresql_where=sa.text("stale")),
    comment="What the batches of each day were last joined with",
)
