"""The pictures of the analyses of call statistics, made of what the analysis found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Analysis, Table
from calling_pipeline.analysis.registry import Drawing
from calling_pipeline.charts.records import Bars, Caption, Heat, Lines, Look, Mark, MarkKind, Series
from calling_pipeline.texts.catalogue import catalogue

HOURS = range(24)
WEEKDAYS = range(1, 8)
MOST_BARS = 12
_MARKS: dict[str, MarkKind] = {
    "held": "held",
    "missing": "missing",
    "incomplete": "incomplete",
    "under_way": "incomplete",
}


def trend_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """Orders with their mean of seven days and both rates; signs on days that are held, missing or not whole."""
    table = found.tables[0]
    labels = [f"{day:%m-%d}" for day in values(table, "day")]
    marks = [
        Mark(place, kind, say(f"analysis.word_{kind}", language))
        for place, standing in enumerate(values(table, "grade_standing"))
        if (kind := _MARKS.get(standing)) is not None
    ]
    orders = [
        Series(say("analysis.column_orders", language), values(table, "orders")),
        Series(say("analysis.column_orders_mean_7", language), values(table, "orders_mean_7"), "mean"),
    ]
    rates = [
        Series(say("analysis.column_connected_rate", language), values(table, "connected_rate")),
        Series(say("analysis.column_order_rate", language), values(table, "order_rate"), "second"),
    ]
    return (
        Lines(_caption("trend-orders", "analysis.chart_orders", found, language), labels, orders, marks, language=language),
        Lines(
            _caption("trend-rates", "analysis.chart_rates", found, language),
            labels,
            rates,
            whole=False,
            unit="%",
            language=language,
        ),
    )


def hour_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """Calls and connected calls of each hour, the orders below them, and the order rate."""
    table = found.tables[0]
    by_hour = {hour: place for place, hour in enumerate(values(table, "hour"))}

    def every(name: str) -> list[float | None]:
        column = values(table, name)
        return [column[by_hour[hour]] if hour in by_hour else 0 for hour in HOURS]

    caption = Caption("hours", say("analysis.name_hours", language), _bars_said(found, language))
    panels = [
        [_series("calls", every("calls"), language), _series("connected", every("connected"), language, "second")],
        [_series("orders", every("orders"), language, "third")],
        [_series("order_rate", every("order_rate"), language, "mean")],
    ]
    return (Bars(caption, [str(hour) for hour in HOURS], panels, language=language),)


def province_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """The provinces with most calls: calls, and the order rate below them."""
    table = found.tables[0]
    if not table.rows:
        return ()
    names = [str(name or say("analysis.unknown", language))[:3] for name in values(table, "province")[:MOST_BARS]]
    caption = Caption("provinces", say("analysis.name_provinces", language), _bars_said(found, language))
    panels = [
        [
            _series("calls", values(table, "calls")[:MOST_BARS], language),
            _series("connected", values(table, "connected")[:MOST_BARS], language, "second"),
        ],
        [_series("order_rate", values(table, "order_rate")[:MOST_BARS], language, "mean")],
    ]
    return (Bars(caption, names, panels, language=language),)


def weekday_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """Orders of a day of each weekday by hour, and the connected rate."""
    table = found.tables[0]
    if not table.rows:
        return ()
    return (
        _heat(table, "orders_per_day", "weekday-orders", language),
        _heat(table, "connected_rate", "weekday-connected", language),
    )


def _heat(table: Table, name: str, id_: str, language: Language) -> Heat:
    cells = {
        (weekday, hour): value
        for weekday, hour, value in zip(values(table, "weekday"), values(table, "hour"), values(table, name), strict=True)
    }
    (weekday, hour), most = max(cells.items(), key=lambda cell: cell[1] or 0)
    title = say(f"analysis.column_{name}", language)
    place = {"weekday": say(f"analysis.weekday_{weekday}", language), "hour": hour, "most": f"{most:,.1f}"}
    return Heat(
        Caption(id_, title, say("analysis.chart_heat_text", language, what=title, **place)),
        [say(f"analysis.weekday_{weekday}", language) for weekday in WEEKDAYS],
        [str(hour) for hour in HOURS],
        [[cells.get((weekday, hour)) for hour in HOURS] for weekday in WEEKDAYS],
        say("analysis.few", language),
        say("analysis.many", language),
        language=language,
    )


def _series(name: str, numbers: Sequence[float | None], language: Language, look: Look = "first") -> Series:
    return Series(say(f"analysis.column_{name}", language), numbers, look)


def _bars_said(found: Analysis, language: Language) -> str:
    sums = {one.name: one.value for one in found.figures}
    said = {name: f"{sums[name]:,}" for name in ("calls", "connected", "orders")}
    return say("analysis.chart_bars_text", language, first=found.first, last=found.last, **said)


def values(table: Table, name: str) -> list[Any]:
    """The column of that name."""
    place = [column.name for column in table.columns].index(name)
    return [cast(Any, row[place]) for row in table.rows]


def say(key: str, language: Language, **places: object) -> str:
    """A text of the catalogue."""
    return catalogue().text(key, language, **places)


def _caption(name: str, title: str, found: Analysis, language: Language) -> Caption:
    orders = [value for value in values(found.tables[0], "orders") if value is not None]
    said = say(
        "analysis.chart_trend_text",
        language,
        first=found.first,
        last=found.last,
        known=len(orders),
        days=len(found.tables[0].rows),
        least=f"{min(orders, default=0):,}",
        most=f"{max(orders, default=0):,}",
    )
    return Caption(name, say(title, language), said)
