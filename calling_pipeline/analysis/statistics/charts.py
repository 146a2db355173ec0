"""The pictures of the analyses of call statistics, made of what the analysis found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Analysis, Table
from calling_pipeline.analysis.registry import Drawing
from calling_pipeline.charts.records import Caption, Lines, Mark, MarkKind, Series
from calling_pipeline.texts.catalogue import catalogue

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
