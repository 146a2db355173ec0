"""Takes of an analysis what a report shows: some columns, and at most so many rows, with the full count said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.records import Analysis, Table
from calling_pipeline.analysis.registry import Question
from calling_pipeline.reports.gathering import Gathered


def analysed(found: Gathered, name: str, options: Mapping[str, str] | None = None) -> Analysis:
    """What the analysis of that name finds in the period."""
    question = Question(
        found.period.first, found.period.last, agent_names=dict(found.agent_names), options=dict(options or {})
    )
    return ANALYSES[name].compute(found.connection, question)


def picked(table: Table, columns: Sequence[str], most: int) -> Table:
    """The columns in this order with the ends of their intervals, and the first rows."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    names = [
        name
        for column in columns
        for name in (column, table.columns[places[column]].low, table.columns[places[column]].high)
        if name
    ]
    kept = [places[name] for name in names]
    rows = tuple(tuple(row[place] for place in kept) for row in table.rows[:most])
    return Table(table.name, tuple(table.columns[place] for place in kept), rows, table.total_rows)


def column(table: Table, name: str) -> Sequence[Any]:
    """The values of the column of that name."""
    place = [one.name for one in table.columns].index(name)
    return [row[place] for row in table.rows]
