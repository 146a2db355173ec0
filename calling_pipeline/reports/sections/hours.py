"""The hours of the day, and of a week or month each weekday's hours."""

from __future__ import annotations

from calling_pipeline.analysis.records import Table
from calling_pipeline.reports.gathering import Gathered, notes_on_days
from calling_pipeline.reports.records import Chart, ChartSeries, Section
from calling_pipeline.reports.sections.picking import analysed, column, picked

_HOURS = tuple(range(24))
_WEEKDAYS = tuple(range(1, 8))
_COLUMNS = ("hour", "calls", "connected", "connected_rate", "talk_s", "grade_9", "grade_1", "orders", "order_rate")


def hours(found: Gathered) -> Section:
    """Calls and orders by hour; weekday × hour where there are weekdays to compare."""
    table = picked(analysed(found, "hours").tables[0], _COLUMNS, len(_HOURS))
    charts = [_bars(table)]
    if found.period.kind != "daily":
        charts += _heat(analysed(found, "weekday_hours").tables[0])
    return Section("hours", tables=(table,), charts=tuple(charts), notes=notes_on_days(found, ("grade",)))


def _bars(table: Table) -> Chart:
    by_hour = {hour: place for place, hour in enumerate(column(table, "hour"))}

    def series(name: str, look: str, panel: int) -> ChartSeries:
        values = column(table, name)
        every = tuple(float(values[by_hour[hour]]) if hour in by_hour else 0.0 for hour in _HOURS)
        return ChartSeries(name, every, "second" if look == "second" else "first", panel)

    parts = (series("calls", "first", 0), series("connected", "second", 0), series("orders", "first", 1))
    return Chart("hours", "bars", _HOURS, "whole", parts)


def _heat(table: Table) -> list[Chart]:
    if not table.rows:
        return []
    names = ("weekday", "hour", "orders_per_day")
    cells = {(weekday, hour): float(value) for weekday, hour, value in zip(*(column(table, n) for n in names), strict=True)}
    rows = tuple(ChartSeries(str(weekday), tuple(cells.get((weekday, hour)) for hour in _HOURS)) for weekday in _WEEKDAYS)
    return [Chart("weekday_hours", "heat", _HOURS, "whole", rows, row_kind="weekday")]
