"""Orders and rates up to the period's last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, cast

from calling_pipeline.analysis.records import Table
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.statistics.trend import trend as analysed
from calling_pipeline.call_stats.ranges.store import first_kept_day
from calling_pipeline.charts.records import MarkKind
from calling_pipeline.reports.gathering import Gathered
from calling_pipeline.reports.records import Chart, ChartMark, ChartSeries, ReportKind, Section

_SPAN: Mapping[ReportKind, int] = {"daily": 28, "weekly": 56, "monthly": 62}
"""Days of the trend, the period's own included."""
_MARKS: Mapping[str, MarkKind] = {
    "held": "held",
    "missing": "missing",
    "incomplete": "incomplete",
    "under_way": "incomplete",
}


def trend(found: Gathered) -> Section:
    """Every day of the trend from the first that is kept, with means of seven days and the same weekday before."""
    last = found.period.last
    oldest = first_kept_day(found.connection) or found.period.first
    first = max(last - dt.timedelta(days=_SPAN[found.period.kind] - 1), min(oldest, found.period.first))
    answer = analysed(found.connection, Question(first, last))
    table = _frozen(answer.tables[0])
    days, marks = tuple(_column(table, "day")), _marks(table)
    orders = Chart(
        "orders",
        "lines",
        days,
        "day",
        (_series(table, "orders"), ChartSeries("orders_mean_7", tuple(_column(table, "orders_mean_7")), "mean")),
        marks,
    )
    rates = Chart(
        "rates",
        "lines",
        days,
        "day",
        (_series(table, "connected_rate"), ChartSeries("order_rate", tuple(_column(table, "order_rate")), "second")),
        unit="%",
    )
    return Section("trend", tables=(table,), charts=(orders, rates), notes=tuple(answer.notes))


def _frozen(table: Table) -> Table:
    return Table(table.name, tuple(table.columns), tuple(tuple(row) for row in table.rows), table.total_rows)


def _column(table: Table, name: str) -> Sequence[Any]:
    place = [column.name for column in table.columns].index(name)
    return [row[place] for row in table.rows]


def _series(table: Table, name: str) -> ChartSeries:
    values = tuple(None if value is None else float(cast(float, value)) for value in _column(table, name))
    return ChartSeries(name, values)


def _marks(table: Table) -> tuple[ChartMark, ...]:
    standing = _column(table, "grade_standing")
    return tuple(ChartMark(place, _MARKS[word]) for place, word in enumerate(standing) if word in _MARKS)
