"""Days added up by hour, weekday and hour, province and dialling task, each with the intervals of its rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.statistics import store
from calling_pipeline.analysis.statistics.records import By, Counted
from calling_pipeline.analysis.statistics.saying import counted_figures, counted_notes

MOST_ROWS = 2000
"""Rows of a table; further ones are said to be there and are in the sums."""
COUNTS = (
    Column("calls", "whole"),
    Column("orders", "whole"),
    Column("order_rate", "percent", "order_rate_low", "order_rate_high"),
    Column("order_rate_low", "percent"),
    Column("order_rate_high", "percent"),
    Column("orders_share", "percent"),
    Column("connected", "whole"),
    Column("connected_rate", "percent", "connected_rate_low", "connected_rate_high"),
    Column("connected_rate_low", "percent"),
    Column("connected_rate_high", "percent"),
    Column("talk_s", "seconds"),
    Column("grade_9", "whole"),
    Column("grade_1", "whole"),
    Column("days", "whole"),
)
"""What every table of parts says of one part."""


def counts(row: Mapping[str, Any], orders: int) -> tuple[Value, ...]:
    """The values of `COUNTS`; `orders` is the whole of which the part's orders are a share."""
    calls = row["calls"]
    return (
        calls,
        row["orders"],
        share(row["orders"], calls),
        *wilson(row["orders"], calls),
        share(row["orders"], orders),
        row["connected"],
        share(row["connected"], calls),
        *wilson(row["connected"], calls),
        row["talk_s"],
        row["grade_9"],
        row["grade_1"],
        row["days"],
    )


def answer(
    connection: sa.Connection, question: Question, name: str, tables: Callable[[Counted], Sequence[Table]]
) -> Analysis:
    """An analysis of counted days: `tables` makes its tables, given what all days add up to."""
    first, last = question.first, question.last
    counted, before = store.counted_of(connection, first, last), store.counted_before(connection, first, last)
    return Analysis(
        name,
        first,
        last,
        figures=counted_figures(counted, before),
        tables=tables(counted),
        notes=counted_notes(store.period_of(connection, first, last), counted, before),
    )


def hours(connection: sa.Connection, question: Question) -> Analysis:
    """The hours of the day."""
    return _by(connection, question, "hours", "hour", (Column("hour", "hour"),), lambda row: (row["hour"],))


def provinces(connection: sa.Connection, question: Question) -> Analysis:
    """The provinces that were called, most calls first."""
    return _by(connection, question, "provinces", "province", (Column("province", "text"),), lambda row: (row["province"],))


def tasks(connection: sa.Connection, question: Question) -> Analysis:
    """The vendor's dialling tasks, most calls first."""
    heads = (Column("task_name", "text"), Column("task_id", "text"))
    return _by(connection, question, "tasks", "task", heads, lambda row: (row["task_name"], row["task_id"]))


def weekday_hours(connection: sa.Connection, question: Question) -> Analysis:
    """The hours of each weekday; `orders_per_day` is of the counted days of that weekday."""

    def tables(counted: Counted) -> Sequence[Table]:
        found = store.weekday_hours(connection, question.first, question.last)
        rows = [
            (row["weekday"], row["hour"], *counts(row, counted.orders), round(row["orders"] / row["days"], 2))
            for row in found
        ]
        heads = (Column("weekday", "weekday"), Column("hour", "hour"), *COUNTS, Column("orders_per_day", "number"))
        return (Table("weekday_hours", heads, rows),)

    return answer(connection, question, "weekday_hours", tables)


def _by(
    connection: sa.Connection,
    question: Question,
    name: str,
    by: By,
    heads: Sequence[Column],
    keys: Callable[[Mapping[str, Any]], tuple[Value, ...]],
) -> Analysis:
    def tables(counted: Counted) -> Sequence[Table]:
        found = store.sums_by(connection, by, question.first, question.last)
        ordered = sorted(found, key=lambda row: row["hour"] if by == "hour" else (-row["calls"], *keys(row)))
        rows = [(*keys(row), *counts(row, counted.orders)) for row in ordered[:MOST_ROWS]]
        return (Table(name, (*heads, *COUNTS), rows, total_rows=len(found)),)

    return answer(connection, question, name, tables)
