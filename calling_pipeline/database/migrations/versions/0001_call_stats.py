"""The stats caches, call records and fetch proofs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_call_stats"
down_revision = None

Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE fetch_numbers")
    _fetch_proofs()
    _call_records()
    _grade_stats_cache()
    _task_stats_cache()
    _agent_ranking()
    _hourly_orders()


def _fetch_proofs() -> None:
    op.create_table(
        "fetch_proofs",
        sa.Column("fetch_number", sa.BigInteger, nullable=False, autoincrement=False),
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
        sa.CheckConstraint("track IN ('task', 'grade')", name=op.f("ck_fetch_proofs_track_is_known")),
        sa.CheckConstraint("mode IN ('full', 'incremental')", name=op.f("ck_fetch_proofs_mode_is_known")),
        sa.PrimaryKeyConstraint("fetch_number", name="pk_fetch_proofs"),
    )
    op.create_index("ix_fetch_proofs_track_date", "fetch_proofs", ["track", "date", "fetch_number"])


def _call_records() -> None:
    op.create_table(
        "call_records",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
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
        sa.CheckConstraint("call_state BETWEEN 0 AND 2", name=op.f("ck_call_records_call_state_is_known")),
        sa.CheckConstraint("duration_s >= 0", name=op.f("ck_call_records_duration_is_not_negative")),
        sa.CheckConstraint("order_yuan IN (0, 1, 9)", name=op.f("ck_call_records_order_yuan_is_known")),
        sa.PrimaryKeyConstraint("id", name="pk_call_records"),
    )
    op.create_index("ix_call_records_date", "call_records", ["date"])


def _grade_stats_cache() -> None:
    op.create_table(
        "grade_stats_cache",
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("grade_9", sa.BigInteger, nullable=False),
        sa.Column("grade_1", sa.BigInteger, nullable=False),
        sa.Column("total_success", sa.BigInteger, nullable=False),
        sa.Column("total_records", sa.BigInteger, nullable=False),
        sa.Column("calculated_at", Instant, nullable=False),
        sa.Column("elapsed_time", sa.Double, nullable=False),
        sa.Column("sync_type", sa.Text, nullable=False),
        sa.Column("fetch_number", sa.BigInteger, nullable=False),
        sa.CheckConstraint("total_success = grade_9 + grade_1", name=op.f("ck_grade_stats_cache_total_success_is_the_sum")),
        sa.CheckConstraint(
            "grade_9 >= 0 AND grade_1 >= 0 AND total_success <= total_records",
            name=op.f("ck_grade_stats_cache_orders_within_records"),
        ),
        sa.PrimaryKeyConstraint("date", name="pk_grade_stats_cache"),
    )


def _task_stats_cache() -> None:
    op.create_table(
        "task_stats_cache",
        sa.Column("date", sa.Date, nullable=False),
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
            name=op.f("ck_task_stats_cache_counts_are_not_negative"),
        ),
        sa.PrimaryKeyConstraint("date", name="pk_task_stats_cache"),
    )


def _agent_ranking() -> None:
    op.create_table(
        "agent_ranking",
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("connected", sa.BigInteger, nullable=False),
        sa.Column("talk_s", sa.BigInteger, nullable=False),
        sa.Column("grade_9", sa.BigInteger, nullable=False),
        sa.Column("grade_1", sa.BigInteger, nullable=False),
        sa.Column("orders", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("date", "agent_id", name="pk_agent_ranking"),
    )


def _hourly_orders() -> None:
    op.create_table(
        "hourly_orders",
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("hour", sa.SmallInteger, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("connected", sa.BigInteger, nullable=False),
        sa.Column("grade_9", sa.BigInteger, nullable=False),
        sa.Column("grade_1", sa.BigInteger, nullable=False),
        sa.Column("orders", sa.BigInteger, nullable=False),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_hourly_orders_hour_of_the_day")),
        sa.PrimaryKeyConstraint("date", "hour", name="pk_hourly_orders"),
    )
