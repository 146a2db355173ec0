"""Tables of the best time to call: what is known of hours, and whether the order was any better."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class BestTimeRateColumns(Columns):
    """Columns of `best_time_rates`."""

    calling_task_id = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    weekday = sa.Column(sa.SmallInteger, primary_key=True, autoincrement=False, comment="1 (Monday) to 7")
    hour = sa.Column(sa.SmallInteger, primary_key=True, autoincrement=False)
    province = sa.Column(sa.Text, primary_key=True, comment="empty: any other, or unknown")
    calls = sa.Column(sa.Integer, nullable=False)
    successes = sa.Column(sa.Integer, nullable=False)
    alpha = sa.Column(sa.Double, nullable=False, comment="of the Beta distribution of the chance, as is beta")
    beta = sa.Column(sa.Double, nullable=False)


best_time_rates = sa.Table(
    "best_time_rates",
    metadata,
    BestTimeRateColumns,
    sa.CheckConstraint("weekday BETWEEN 1 AND 7 AND hour BETWEEN 0 AND 23", name="hour_of_a_week"),
    sa.CheckConstraint("alpha > 0 AND beta > 0", name="is_a_distribution"),
    comment="What is known of each hour of a calling task; the planner draws from it",
)


class BestTimeStateColumns(Columns):
    """Columns of `best_time_states`."""

    calling_task_id = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    since = sa.Column(sa.Date, nullable=False, comment="the day on which it was switched on")
    looked_on = sa.Column(sa.Date, comment="the last look")
    proven_until = sa.Column(sa.Date, comment="until when the last proof is valid")
    learned_at = sa.Column(Instant)
    off_at = sa.Column(Instant, comment="when it switched itself off; null: it did not")
    off_reason = sa.Column(sa.Text, nullable=False, server_default="")


best_time_states = sa.Table(
    "best_time_states",
    metadata,
    BestTimeStateColumns,
    comment="Since when each calling task orders by hour, and whether it switched itself off",
)


class BestTimeLookColumns(Columns):
    """Columns of `best_time_looks`."""

    calling_task_id = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    day = sa.Column(sa.Date, primary_key=True)
    ordered = sa.Column(sa.Integer, nullable=False, comment="ordered calls in the window")
    exploring = sa.Column(sa.Integer, nullable=False)
    uplift = sa.Column(sa.Double, comment="success rate of ordered less exploring calls, 0 to 1; low and high: 95 %")
    low = sa.Column(sa.Double)
    high = sa.Column(sa.Double)
    z = sa.Column(sa.Double, nullable=False)
    verdict = sa.Column(sa.Text, nullable=False)


best_time_looks = sa.Table(
    "best_time_looks",
    metadata,
    BestTimeLookColumns,
    sa.CheckConstraint("verdict IN ('proven', 'not yet', 'off')", name="verdict_is_known"),
    comment="Each look at whether the order is better, as it was then",
)


class BestTimeBatchColumns(Columns):
    """Columns of `best_time_batches`."""

    batch_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    calling_task_id = sa.Column(sa.Integer, nullable=False)
    day = sa.Column(sa.Date, nullable=False)
    ordered = sa.Column(sa.Integer, nullable=False)
    ordered_successes = sa.Column(sa.Integer, nullable=False)
    exploring = sa.Column(sa.Integer, nullable=False)
    exploring_successes = sa.Column(sa.Integer, nullable=False)


best_time_batches = sa.Table(
    "best_time_batches",
    metadata,
    BestTimeBatchColumns,
    sa.Index("ix_best_time_batches_task_day", "calling_task_id", "day"),
    comment="Calls and successes of both arms of each batch that was ordered by hour",
)


class NumberSegmentColumns(Columns):
    """Columns of `number_segments`."""

    segment = sa.Column(sa.Text(collation="C"), primary_key=True, comment="the first seven digits of mobiles")
    province = sa.Column(sa.Text, nullable=False)
    calls = sa.Column(sa.Integer, nullable=False, comment="call records that say so")


number_segments = sa.Table(
    "number_segments",
    metadata,
    NumberSegmentColumns,
    comment="In which province numbers are, learned from call records",
)
