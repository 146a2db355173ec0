"""The tables of daily counts: small, kept permanently, written in the transaction that publishes a day's call records."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _CountedDaysColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    fetch_number = sa.Column(sa.BigInteger, nullable=False)
    counted_at = sa.Column(Instant, nullable=False)


counted_days = sa.Table(
    "counted_days",
    metadata,
    _CountedDaysColumns,
    comment="Which days are counted in the tables daily_*, and of which read",
)


class _DailyAgentsColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    agent_id = sa.Column(sa.Text, primary_key=True)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


daily_agents = sa.Table(
    "daily_agents",
    metadata,
    _DailyAgentsColumns,
    comment="Calls of each agent on each day; an empty agent_id for calls of no agent",
)


class _MonthlyAgentsColumns(Columns):
    month = sa.Column(sa.Date, primary_key=True, comment="its first day")
    agent_id = sa.Column(sa.Text, primary_key=True)
    days = sa.Column(sa.BigInteger, nullable=False, comment="days of the month with calls of the agent")
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


monthly_agents = sa.Table(
    "monthly_agents",
    metadata,
    _MonthlyAgentsColumns,
    comment="Sums of daily_agents over each month, kept by triggers of it",
)


class _DailyHoursColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    hour = sa.Column(sa.SmallInteger, primary_key=True)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


daily_hours = sa.Table(
    "daily_hours",
    metadata,
    _DailyHoursColumns,
    sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour_of_the_day"),
    comment="Calls of each hour of each day (Asia/Shanghai)",
)


class _DailyProvincesColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    province = sa.Column(sa.Text, primary_key=True)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


daily_provinces = sa.Table(
    "daily_provinces",
    metadata,
    _DailyProvincesColumns,
    comment="Calls to each province on each day; empty where the vendor knew none",
)


class _DailyProvinceHoursColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    province = sa.Column(sa.Text, primary_key=True)
    hour = sa.Column(sa.SmallInteger, primary_key=True)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


daily_province_hours = sa.Table(
    "daily_province_hours",
    metadata,
    _DailyProvinceHoursColumns,
    sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour_of_the_day"),
    comment="Calls to each province in each hour of each day",
)


class _DailyTasksColumns(Columns):
    date = sa.Column(sa.Date, primary_key=True)
    task_id = sa.Column(sa.Text, primary_key=True)
    task_name = sa.Column(sa.Text, primary_key=True)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    grade_9 = sa.Column(sa.BigInteger, nullable=False)
    grade_1 = sa.Column(sa.BigInteger, nullable=False)
    orders = sa.Column(sa.BigInteger, nullable=False)


daily_tasks = sa.Table(
    "daily_tasks",
    metadata,
    _DailyTasksColumns,
    comment="Calls of each dialling task on each day; empty where the vendor named none",
)


PARTS = (daily_agents, daily_hours, daily_provinces, daily_province_hours, daily_tasks)
"""Each of them adds up to the day."""
