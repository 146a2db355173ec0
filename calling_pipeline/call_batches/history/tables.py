"""The call history: one row per phone ever called."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class CallHistoryColumns(Columns):
    """Columns of `call_history`."""

    phone = sa.Column(sa.Text(collation="C"), primary_key=True)
    first_called_at = sa.Column(Instant, nullable=False)
    last_called_at = sa.Column(Instant, nullable=False)
    calls = sa.Column(sa.Integer, nullable=False, comment="made here and elsewhere")
    last_batch_id = sa.Column(sa.BigInteger, comment="of the newest call made here; null: none was")
    last_call_task_id = sa.Column(sa.BigInteger, comment="the newest call made here; null: none was")
    origin = sa.Column(sa.Text, nullable=False, server_default="own", comment="imported: first known by an import")
    imported_calls = sa.Column(sa.Integer, nullable=False, server_default="0", comment="those of `calls` made elsewhere")
    imported_called_at = sa.Column(Instant, comment="the newest call made elsewhere; null: none is known")
    imported_from = sa.Column(sa.Text, comment="the source that was named at the newest import")
    staff_name = sa.Column(sa.Text, comment="of the newest call, as are the next three")
    sys_name = sa.Column(sa.Text)
    order_type = sa.Column(sa.Text)
    order_nums = sa.Column(sa.Integer)
    updated_time = sa.Column(Instant, comment="when a call, or an import, last wrote them")


call_history = sa.Table(
    "call_history",
    metadata,
    CallHistoryColumns,
    sa.CheckConstraint("origin IN ('own', 'imported')", name="origin"),
    sa.CheckConstraint("imported_calls BETWEEN 0 AND calls", name="imported_calls"),
    sa.CheckConstraint("last_call_task_id IS NOT NULL OR imported_calls > 0", name="somebody_called"),
    comment="One row per phone ever called",
)
