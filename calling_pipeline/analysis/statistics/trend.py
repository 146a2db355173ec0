"""The trend of days: orders and rates with their means, how each day stands, and the period before."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.analysis.records import Analysis, Column, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.statistics.saying import dialled_figures, notes_of, order_figures
from calling_pipeline.analysis.statistics.store import period_before, period_of
from calling_pipeline.call_stats.trend.records import TrendDay
from calling_pipeline.call_stats.trend.trend import read_trend

COLUMNS = (
    Column("day", "day"),
    Column("orders", "whole"),
    Column("order_rate", "percent"),
    Column("grade_standing", "word"),
    Column("records", "whole"),
    Column("grade_9", "whole"),
    Column("grade_1", "whole"),
    Column("orders_mean_7", "number"),
    Column("orders_week_before", "whole"),
    Column("dialled", "whole"),
    Column("connected", "whole"),
    Column("connected_rate", "percent"),
    Column("task_standing", "word"),
)


def trend(connection: sa.Connection, question: Question) -> Analysis:
    """Every day of the range, oldest first, known or not; sums and rates are over the days that are known."""
    found = read_trend(connection, question.first, question.last)
    period, before = (of(connection, question.first, question.last) for of in (period_of, period_before))
    return Analysis(
        "trend",
        question.first,
        question.last,
        figures=(*order_figures(period, before), *dialled_figures(period, before)),
        tables=(Table("days", COLUMNS, [_row(one) for one in found]),),
        notes=notes_of(period, before),
    )


def _row(one: TrendDay) -> tuple[Value, ...]:
    stored = one.stored
    return (
        stored.date,
        stored.total_success,
        one.order_rate,
        "under_way" if one.under_way and one.grade == "complete" else one.grade.replace(" ", "_"),
        stored.total_records,
        stored.grade_9,
        stored.grade_1,
        one.orders_mean_7,
        one.orders_week_before,
        stored.callout_number,
        stored.called_number,
        stored.connected_rate,
        one.task.replace(" ", "_"),
    )
