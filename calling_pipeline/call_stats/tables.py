"""The tables of the stats caches. Call records carry no full phone number: a masked one and a keyed hash."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata

fetch_numbers = sa.Sequence("fetch_numbers", metadata=metadata)
"""Drawn when a read begins: the higher number is the newer read, even when the clocks of two machines differ."""


class _FetchProofsColumns(Columns):
    fetch_number = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    track = sa.Column(sa.Text, nullable=False)
    date = sa.Column(sa.Date, nullable=False)
    mode = sa.Column(sa.Text, nullable=False)
    sync_type = sa.Column(sa.Text, nullable=False)
    window_start = sa.Column(Instant, nullable=False)
    window_end = sa.Column(Instant, nullable=False)
    started_at = sa.Column(Instant, nullable=False)
    finished_at = sa.Column(Instant, nullable=False)
    reported_total = sa.Column(sa.BigInteger, nullable=False)
    rows_fetched = sa.Column(sa.BigInteger, nullable=False)
    distinct_ids = sa.Column(sa.BigInteger, nullable=False)
    pages = sa.Column(sa.Integer, nullable=False)
    pages_read_again = sa.Column(sa.Integer, nullable=False)
    retries = sa.Column(sa.Integer, nullable=False)
    elapsed_s = sa.Column(sa.Double, nullable=False)
    rows_added = sa.Column(sa.BigInteger, nullable=False)
    rows_changed = sa.Column(sa.BigInteger, nullable=False)
    rows_removed = sa.Column(sa.BigInteger, nullable=False)
    late_rows = sa.Column(sa.BigInteger, nullable=False)
    outside_day = sa.Column(sa.BigInteger, nullable=False)
    unknown_grades = sa.Column(JSONB, nullable=False)
    new_fields = sa.Column(JSONB, nullable=False)
    missing_fields = sa.Column(JSONB, nullable=False)
    run_id = sa.Column(sa.Text, nullable=False)
    dialled = sa.Column(sa.BigInteger)
    connected = sa.Column(sa.BigInteger)
    full_read_at = sa.Column(Instant)
    warnings = sa.Column(JSONB, nullable=False, server_default="[]")
    numbers = sa.Column(
        JSONB(none_as_null=True), comment="what was published of this read; null for reads of versions before"
    )


fetch_proofs = sa.Table(
    "fetch_proofs",
    metadata,
    _FetchProofsColumns,
    sa.CheckConstraint("track IN ('task', 'grade')", name="track_is_known"),
    sa.CheckConstraint("mode IN ('full', 'incremental')", name="mode_is_known"),
    sa.Index("ix_fetch_proofs_track_date", "track", "date", "fetch_number"),
)


class _CallColumns(Columns):
    """What is kept of a call record, published or held."""

    called_at = sa.Column(Instant, nullable=False)
    call_state = sa.Column(sa.SmallInteger)
    duration_s = sa.Column(sa.Integer, nullable=False)
    grade = sa.Column(sa.Text)
    order_yuan = sa.Column(sa.SmallInteger, nullable=False)
    agent_id = sa.Column(sa.Text, nullable=False)
    task_id = sa.Column(sa.Text)
    task_name = sa.Column(sa.Text)
    line_name = sa.Column(sa.Text)
    phone_masked = sa.Column(sa.Text, nullable=False)
    phone_hash = sa.Column(sa.LargeBinary)
    hangup_reason = sa.Column(sa.Text)
    province = sa.Column(sa.Text)
    city = sa.Column(sa.Text)


class _PublishedKey(Columns):
    id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    date = sa.Column(sa.Date, primary_key=True)


class _CallRecordsColumns(_CallColumns, _PublishedKey):
    """The key's columns come first: SQLAlchemy begins with the last base."""


call_records = sa.Table(
    "call_records",
    metadata,
    _CallRecordsColumns,
    sa.CheckConstraint("call_state BETWEEN 0 AND 2", name="call_state_is_known"),
    sa.CheckConstraint("duration_s >= 0", name="duration_is_not_negative"),
    sa.CheckConstraint("order_yuan IN (0, 1, 9)", name="order_yuan_is_known"),
    sa.Index(
        "ix_call_records_phone_hash",
        "phone_hash",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        postgresql_ops={"phone_hash": "bytea_bloom_ops(n_distinct_per_range=2000)"},
    ),
    postgresql_partition_by="RANGE (date)",
    comment="A partition for each day, made before it is needed; an id is of one day at a time (`other_days/store.py`)",
)


class _GradeStatsCacheColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    total_success = sa.Column(sa.BigInteger, nullable=False)
    total_records = sa.Column(sa.BigInteger, nullable=False)
    calculated_at = sa.Column(Instant, nullable=False)
    elapsed_time = sa.Column(sa.Double, nullable=False)
    sync_type = sa.Column(sa.Text, nullable=False)
    fetch_number = sa.Column(sa.BigInteger, nullable=False)


grade_stats_cache = sa.Table(
    "grade_stats_cache",
    metadata,
    _GradeStatsCacheColumns,
    sa.CheckConstraint("total_success = grade_9 + grade_1", name="total_success_is_the_sum"),
    sa.CheckConstraint("grade_9 >= 0 AND grade_1 >= 0 AND total_success <= total_records", name="orders_within_records"),
)


class _TaskStatsCacheColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    total_tasks = sa.Column(sa.BigInteger, nullable=False)
    callout_number = sa.Column(sa.BigInteger, nullable=False)
    called_number = sa.Column(sa.BigInteger, nullable=False)
    success_number = sa.Column(sa.BigInteger, nullable=False)
    connected_rate = sa.Column(sa.Numeric(7, 2), nullable=False)
    calculated_at = sa.Column(Instant, nullable=False)
    sync_type = sa.Column(sa.Text, nullable=False)
    fetch_number = sa.Column(sa.BigInteger, nullable=False)


task_stats_cache = sa.Table(
    "task_stats_cache",
    metadata,
    _TaskStatsCacheColumns,
    sa.CheckConstraint(
        "total_tasks >= 0 AND callout_number >= 0 AND called_number >= 0 AND success_number >= 0",
        name="counts_are_not_negative",
    ),
)


class _AgentRankingColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    agent_id = sa.Column(sa.Text, primary_key=True)
    position = sa.Column(sa.Integer, nullable=False)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


agent_ranking = sa.Table(
    "agent_ranking",
    metadata,
    _AgentRankingColumns,
)


class _HourlyOrdersColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    hour = sa.Column(sa.SmallInteger, primary_key=True)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


hourly_orders = sa.Table(
    "hourly_orders",
    metadata,
    _HourlyOrdersColumns,
    sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour_of_the_day"),
)


class _HeldDaysColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    track = sa.Column(sa.Text, nullable=False)
    date = sa.Column(sa.Date, nullable=False)
    state = sa.Column(sa.Text, nullable=False)
    fetch_number = sa.Column(sa.BigInteger, nullable=False)
    held_at = sa.Column(Instant, nullable=False)
    reasons = sa.Column(JSONB, nullable=False, comment="every rule of the gate that the day broke, with its numbers")
    numbers = sa.Column(JSONB, nullable=False, comment="what the day would have been published with")
    numbers_before = sa.Column(
        JSONB(none_as_null=True), comment="the published numbers when it was decided or held, null without any"
    )
    proof = sa.Column(JSONB, nullable=False, comment="the fetch proof of the read")
    closed_at = sa.Column(Instant)
    closed_by = sa.Column(sa.Text)
    closing_reason = sa.Column(sa.Text)


held_days = sa.Table(
    "held_days",
    metadata,
    _HeldDaysColumns,
    sa.CheckConstraint("track IN ('task', 'grade')", name="track_is_known"),
    sa.CheckConstraint("state IN ('open', 'published', 'discarded', 'replaced')", name="state_is_known"),
    sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_when_not_open"),
    sa.Index("uq_held_days_open", "track", "date", unique=True, postgresql_where=sa.text("state = 'open'")),
    sa.Index("ix_held_days_date", "date"),
    comment="Days that the publishing gate did not let pass; at most one of a track and date is open",
)


class _HeldKey(Columns):
    held_id = sa.Column(sa.BigInteger, sa.ForeignKey("held_days.id", ondelete="CASCADE"), primary_key=True)
    id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)


class _HeldCallRecordsColumns(_CallColumns, _HeldKey):
    """The key's columns come first here too."""


held_call_records = sa.Table(
    "held_call_records",
    metadata,
    _HeldCallRecordsColumns,
    comment="The call records of grade days that are held",
)


class _FailedReadsColumns(Columns):
    track = sa.Column(sa.Text, primary_key=True)
    date = sa.Column(sa.Date, primary_key=True)
    failed_at = sa.Column(Instant, nullable=False)
    failures = sa.Column(sa.Integer, nullable=False, comment="failed reads since the day was last read")
    sync_type = sa.Column(sa.Text, nullable=False)
    run_id = sa.Column(sa.Text, nullable=False)
    error_kind = sa.Column(sa.Text, nullable=False)
    error = sa.Column(sa.Text, nullable=False)
    read_again_at = sa.Column(Instant, comment="when a later read of the day arrived")


failed_reads = sa.Table(
    "failed_reads",
    metadata,
    _FailedReadsColumns,
    sa.CheckConstraint("track IN ('task', 'grade')", name="track_is_known"),
    comment="The newest failed read of a day, shown until a later one arrives",
)


class _DayRefreshesColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    track = sa.Column(sa.Text, nullable=False)
    date = sa.Column(sa.Date, nullable=False)
    by = sa.Column(sa.Text, nullable=False, comment="who asked; empty when no person did")
    started_at = sa.Column(Instant, nullable=False)
    pages = sa.Column(sa.Integer, nullable=False, server_default=sa.text("0"))
    pages_expected = sa.Column(sa.Integer, nullable=False, server_default=sa.text("0"))
    finished_at = sa.Column(Instant)
    outcome = sa.Column(sa.Text)
    numbers_before = sa.Column(JSONB(none_as_null=True), comment="the published numbers when it began, null without any")
    numbers_after = sa.Column(JSONB(none_as_null=True), comment="the published numbers when it ended, null without any")
    error = sa.Column(sa.Text)


day_refreshes = sa.Table(
    "day_refreshes",
    metadata,
    _DayRefreshesColumns,
    sa.CheckConstraint("track IN ('task', 'grade')", name="track_is_known"),
    sa.CheckConstraint("outcome IN ('stored', 'held', 'superseded', 'failed')", name="outcome_is_known"),
    sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished_with_an_outcome"),
    sa.Index("ix_day_refreshes_track_date", "track", "date", "id"),
    sa.Index("ix_day_refreshes_date", "date"),
    comment=(
        "Refreshes of single days on request; one without an outcome runs while its lock is held, else it was interrupted"
    ),
)


class _DailyHistoryColumns(Columns):
    """One row per day: the newest numbers of both tracks, null for a track that never read the day."""

    date = sa.Column(sa.Date, primary_key=True)
    total_tasks = sa.Column(sa.BigInteger)
    callout_number = sa.Column(sa.BigInteger)
    called_number = sa.Column(sa.BigInteger)
    success_number = sa.Column(sa.BigInteger)
    connected_rate = sa.Column(sa.Numeric(7, 2))
    task_calculated_at = sa.Column(Instant)
    task_sync_type = sa.Column(sa.Text)
    task_fetch_number = sa.Column(sa.BigInteger)
    grade_9 = sa.Column(sa.BigInteger)
    grade_1 = sa.Column(sa.BigInteger)
    total_success = sa.Column(sa.BigInteger)
    total_records = sa.Column(sa.BigInteger)
    grade_calculated_at = sa.Column(Instant)
    grade_sync_type = sa.Column(sa.Text)
    grade_fetch_number = sa.Column(sa.BigInteger)
    updated_at = sa.Column(Instant, nullable=False)


daily_history = sa.Table(
    "daily_history",
    metadata,
    _DailyHistoryColumns,
    sa.CheckConstraint(
        "num_nulls(total_tasks, callout_number, called_number, success_number, connected_rate,"
        " task_calculated_at, task_sync_type, task_fetch_number) IN (0, 8)",
        name="task_track_is_whole",
    ),
    sa.CheckConstraint(
        "num_nulls(grade_9, grade_1, total_success, total_records,"
        " grade_calculated_at, grade_sync_type, grade_fetch_number) IN (0, 7)",
        name="grade_track_is_whole",
    ),
    comment="The numbers of every day, kept permanently; written in the transaction that publishes a track's cache",
)
