"""The table of the calling tasks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class CallingTaskColumns(Columns):
    """Columns of `calling_tasks`."""

    id = sa.Column(sa.Integer, sa.Identity(always=True), primary_key=True)
    name = sa.Column(sa.Text, nullable=False)
    cron = sa.Column(sa.Text, nullable=False, comment="5 fields, or 6 with seconds first; Asia/Shanghai")
    source_schema = sa.Column(sa.Text, nullable=False)
    source_table = sa.Column(sa.Text, nullable=False)
    mobile_phone = sa.Column(sa.Text, nullable=False, comment="column of the source table, as are the next four")
    staff_name = sa.Column(sa.Text)
    sys_name = sa.Column(sa.Text)
    order_type = sa.Column(sa.Text)
    order_nums = sa.Column(sa.Text)
    enabled = sa.Column(sa.Boolean, nullable=False)
    remark = sa.Column(sa.Text, nullable=False, server_default="")
    recall_days = sa.Column(sa.Integer, comment="null: never again")
    rate_per_s = sa.Column(sa.Float, comment="null: the setting's")
    policy = sa.Column(JSONB, nullable=False, server_default="{}")
    ticks_from = sa.Column(Instant, nullable=False, comment="no tick before this instant is ever due")
    created_at = sa.Column(Instant, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)
    refused_days = sa.Column(sa.Integer, comment="null: the setting's")
    expires_after_s = sa.Column(sa.Integer, comment="seconds from planning, after which a batch calls nobody; null: never")
    redial = sa.Column(JSONB, nullable=False, server_default="[]", comment="redial rules; empty: the recall window counts")
    land_lines = sa.Column(sa.Boolean, nullable=False, server_default=sa.false(), comment="whether it calls land lines too")
    row_key = sa.Column(sa.Text, comment="column of the source table that holds its own key")
    best_time = sa.Column(JSONB, comment="goal and exploring share of the best time to call; null: off")


calling_tasks = sa.Table(
    "calling_tasks",
    metadata,
    CallingTaskColumns,
    sa.UniqueConstraint("name", name="uq_calling_tasks_name"),
    sa.CheckConstraint("recall_days >= 0", name="recall_days"),
    sa.CheckConstraint("refused_days >= 0", name="refused_days"),
    sa.CheckConstraint("expires_after_s > 0", name="expires_after_s"),
    sa.CheckConstraint("rate_per_s > 0", name="rate_per_s"),
    comment="What is called, when, and by which rules",
)
