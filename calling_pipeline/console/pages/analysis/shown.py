"""How an analysis is shown on its page: figures, options, and each table as a list of the console."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from calling_pipeline.analysis import wording
from calling_pipeline.analysis.records import Analysis, Column, Table, Value
from calling_pipeline.analysis.registry import Drawing, Entry
from calling_pipeline.charts.bars import bars
from calling_pipeline.charts.heat import heat
from calling_pipeline.charts.lines import lines
from calling_pipeline.charts.records import Bars, Lines
from calling_pipeline.console.lists.columns import Column as ListColumn
from calling_pipeline.console.lists.columns import Link
from calling_pipeline.console.views import View

NUMBERS = ("whole", "number", "percent", "yuan", "hour", "seconds")
FIRST_WIDE = 4
"""Columns from this one on are left out on a narrow screen; exports have all."""
_EXPORTED_AS_WORDS = ("word", "weekday")


@dataclass(frozen=True)
class ShownFigure:
    """A figure in words: `more` is its interval and the period before."""

    name: str
    label: str
    value: str
    more: str


@dataclass(frozen=True)
class ShownOption:
    """An option as a field: with `choices` (value, label) a choice, else free text."""

    name: str
    label: str
    value: str
    choices: Sequence[tuple[str, str]]


def figures_of(view: View, found: Analysis) -> Sequence[ShownFigure]:
    """The figures with their intervals and the period before."""
    shown = []
    for one in found.figures:
        more = []
        if one.low is not None and one.high is not None:
            more.append(f"({wording.interval(one.low, one.high, one.kind, view.language)})")
        if one.before is not None:
            more.append(view.t("analysis.before", value=wording.said(one.before, one.kind, view.language)))
        label = wording.figure_name(one.name, view.language)
        shown.append(ShownFigure(one.name, label, wording.said(one.value, one.kind, view.language), " · ".join(more)))
    return shown


def options_of(view: View, entry: Entry, query: Mapping[str, str]) -> Sequence[ShownOption]:
    """The fields of what the analysis may be asked beside days."""
    return [
        ShownOption(
            name,
            wording.option_name(name, view.language),
            query.get(name, ""),
            [(value, wording.choice_name(value, view.language)) for value in entry.choices.get(name, ())],
        )
        for name in entry.options
    ]


def columns_of(view: View, table: Table, *, exported: bool) -> Sequence[ListColumn[Any]]:
    """The columns of the table. On the page an interval stands behind its value; an export has its ends as columns."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    ends = {name for column in table.columns for name in (column.low, column.high) if name}
    if exported:
        return [_exported(view, column, places[column.name]) for column in table.columns]
    shown = [column for column in table.columns if column.name not in ends]
    return [
        ListColumn(
            column.name,
            _cell(view, column, places),
            sorts=True,
            number=column.kind in NUMBERS,
            wide=place >= FIRST_WIDE,
        )
        for place, column in enumerate(shown)
    ]


def ordered(table: Table, sort: str, *, descending: bool) -> Sequence[Sequence[Value]]:
    """The rows in the order of a column, unknown values last; without one as they are."""
    if not sort:
        return table.rows
    place = [column.name for column in table.columns].index(sort)
    known = [row for row in table.rows if row[place] is not None]
    known.sort(key=lambda row: row[place], reverse=descending)  # type: ignore[arg-type, return-value]
    return [*known, *(row for row in table.rows if row[place] is None)]


def drawn(drawing: Drawing) -> tuple[str, Markup]:
    """The title of the picture, and it as SVG."""
    if isinstance(drawing, Lines):
        return drawing.caption.title, lines(drawing)
    return drawing.caption.title, bars(drawing) if isinstance(drawing, Bars) else heat(drawing)


def _cell(view: View, column: Column, places: Mapping[str, int]) -> Callable[[Sequence[Value]], Any]:
    place, low, high = places[column.name], places.get(column.low, -1), places.get(column.high, -1)

    def shown(row: Sequence[Value]) -> Any:
        value = row[place]
        if column.name == "day" and isinstance(value, dt.date):
            return Link(value, f"/stats?date={value}")
        if column.kind == "moment" or value is None or value == "":
            return value if value != "" else None
        said = wording.said(value, column.kind, view.language)
        if low >= 0 and high >= 0 and row[low] is not None:
            said += f" ({wording.interval(row[low], row[high], column.kind, view.language)})"
        return said

    return shown


def _exported(view: View, column: Column, place: int) -> ListColumn[Any]:
    def value(row: Sequence[Value]) -> Any:
        found = row[place]
        if found is not None and column.kind in _EXPORTED_AS_WORDS:
            return wording.said(found, column.kind, view.language)
        return found

    return ListColumn(column.name, value)
