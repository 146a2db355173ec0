"""The tables of the stats caches. Call records carry no full phone number: a masked one and a keyed hash."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Instant, metadata

fetch_numbers = sa.Sequence("fetch_numbers", metadata=metadata)
"""Drawn when a read begins: the higher number is the newer read, whatever the clocks of two machines say."""

fetch_proofs = sa.Table(
    "fetch_proofs",
    metadata,
    sa.Column("fetch_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("track", sa.Text, nullable=False),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("sync_type", sa.Text, nullable=False),
    sa.Column("window_start", Instant, nullable=False),
    sa.Column("window_end", Instant, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant, nullable=False),
    sa.Column("reported_total", sa.BigInteger, nullable=False),
    sa.Column("rows_fetched", sa.BigInteger, nullable=False),
    sa.Column("distinct_ids", sa.BigInteger, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("pages_read_again", sa.Integer, nullable=False),
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Column("elapsed_s", sa.Double, nullable=False),
    sa.Column("rows_added", sa.BigInteger, nullable=False),
    sa.Column("rows_changed", sa.BigInteger, nullable=False),
    sa.Column("rows_removed", sa.BigInteger, nullable=False),
    sa.Column("late_rows", sa.BigInteger, nullable=False),
    sa.Column("outside_day", sa.BigInteger, nullable=False),
    sa.Column("unknown_grades", JSONB, nullable=False),
    sa.Column("new_fields", JSONB, nullable=False),
    sa.Column("missing_fields", JSONB, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.CheckConstraint("track IN ('task', 'grade')", name="track_is_known"),
    sa.CheckConstraint("mode IN ('full', 'incremental')", name="mode_is_known"),
    sa.Index("ix_fetch_proofs_track_date", "track", "date", "fetch_number"),
)

call_records = sa.Table(
    "call_records",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("called_at", Instant, nullable=False),
    sa.Column("call_state", sa.SmallInteger),
    sa.Column("duration_s", sa.Integer, nullable=False),
    sa.Column("grade", sa.Text),
    sa.Column("order_yuan", sa.SmallInteger, nullable=False),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("task_id", sa.Text),
    sa.Column("task_name", sa.Text),
    sa.Column("line_name", sa.Text),
    sa.Column("phone_masked", sa.Text, nullable=False),
    sa.Column("phone_hash", sa.LargeBinary),
    sa.Column("hangup_reason", sa.Text),
    sa.Column("province", sa.Text),
    sa.Column("city", sa.Text),
    sa.CheckConstraint("call_state BETWEEN 0 AND 2", name="call_state_is_known"),
    sa.CheckConstraint("duration_s >= 0", name="duration_is_not_negative"),
    sa.CheckConstraint("order_yuan IN (0, 1, 9)", name="order_yuan_is_known"),
    sa.Index("ix_call_records_date", "date"),
)

grade_stats_cache = sa.Table(
    "grade_stats_cache",
    metadata,
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("grade_9", sa.BigInteger, nullable=False),
    sa.Column("grade_1", sa.BigInteger, nullable=False),
    sa.Column("total_success", sa.BigInteger, nullable=False),
    sa.Column("total_records", sa.BigInteger, nullable=False),
    sa.Column("calculated_at", Instant, nullable=False),
    sa.Column("elapsed_time", sa.Double, nullable=False),
    sa.Column("sync_type", sa.Text, nullable=False),
    sa.Column("fetch_number", sa.BigInteger, nullable=False),
    sa.CheckConstraint("total_success = grade_9 + grade_1", name="total_success_is_the_sum"),
    sa.CheckConstraint("grade_9 >= 0 AND grade_1 >= 0 AND total_success <= total_records", name="orders_within_records"),
)

task_stats_cache = sa.Table(
    "task_stats_cache",
    metadata,
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("total_tasks", sa.BigInteger, nullable=False),
    sa.Column("callout_number", sa.BigInteger, nullable=False),
    sa.Column("called_number", sa.BigInteger, nullable=False),
    sa.Column("success_number", sa.BigInteger, nullable=False),
    sa.Column("connected_rate", sa.Numeric(7, 2), nullable=False),
    sa.Column("calculated_at", Instant, nullable=False),
    sa.Column("sync_type", sa.Text, nullable=False),
    sa.Column("fetch_number", sa.BigInteger, nullable=False),
    sa.CheckConstraint(
        "total_tasks >= 0 AND callout_number >= 0 AND called_number >= 0 AND success_number >= 0",
        name="counts_are_not_negative",
    ),
)

agent_ranking = sa.Table(
    "agent_ranking",
    metadata,
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("connected", sa.BigInteger, nullable=False),
    sa.Column("talk_s", sa.BigInteger, nullable=False),
    sa.Column("grade_9", sa.BigInteger, nullable=False),
    sa.Column("grade_1", sa.BigInteger, nullable=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
)

hourly_orders = sa.Table(
    "hourly_orders",
    metadata,
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("hour", sa.SmallInteger, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("connected", sa.BigInteger, nullable=False),
    sa.Column("grade_9", sa.BigInteger, nullable=False),
    sa.Column("grade_1", sa.BigInteger, nullable=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour_of_the_day"),
)
