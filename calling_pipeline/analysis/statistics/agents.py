"""The ranking of agents over a range, or in each day, week or month of it, with what is needed to judge it fairly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from calling_pipeline.analysis.intervals import wilson
from calling_pipeline.analysis.records import Analysis, Column, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.statistics import store
from calling_pipeline.analysis.statistics.parts import COUNTS, MOST_ROWS, answer, counts
from calling_pipeline.analysis.statistics.records import Counted
from calling_pipeline.errors import InvalidInput

BY = ("range", "day", "week", "month")
FEW_CALLS = 100
"""An agent with fewer calls cannot be compared with others: the interval of the rate is wider than the differences."""
MOST_SINGLE_DAYS = 62
_HEADS = (
    Column("rank", "whole"),
    Column("rank_by_rate", "whole"),
    Column("agent_name", "text"),
    Column("agent_id", "text"),
)


def agents(connection: sa.Connection, question: Question) -> Analysis:
    """Agents by orders; `rank_by_rate` is by the lower end of the interval of their order rate.

    `by` is range, day, week or month: then the ranking begins anew in each, newest first. Calls of no agent have no rank.
    Raises `InvalidInput` for more than 62 days by day.
    """
    by = question.options["by"]
    length = (question.last - question.first).days + 1
    if by == "day" and length > MOST_SINGLE_DAYS:
        raise InvalidInput(f"a ranking by day is of {MOST_SINGLE_DAYS} days at most; these are {length}", field="by")
    few: Counter[str] = Counter()

    def tables(counted: Counted) -> Sequence[Table]:
        found = sorted(
            store.agent_sums(connection, by, question.first, question.last),
            key=lambda row: (-row["start"].toordinal(), *_order(row)),
        )
        few.update(row["agent_id"] for row in found if row["agent_id"] and row["calls"] < FEW_CALLS)
        rows: list[tuple[Value, ...]] = []
        for start, group in groupby(found, key=lambda row: row["start"]):
            if len(rows) >= MOST_ROWS:
                break
            head = () if by == "range" else (start,)
            rows += [(*head, *row) for row in _ranked(list(group), question.agent_names, counted, whole=by == "range")]
        start_column = () if by == "range" else (Column("start", "month" if by == "month" else "day"),)
        return (Table("agents", (*start_column, *_HEADS, *COUNTS), rows[:MOST_ROWS], total_rows=len(found)),)

    found = answer(connection, question, "agents", tables)
    notes = [*found.notes, Note("ranks"), *([Note("few_calls", {"count": len(few), "calls": FEW_CALLS})] if few else [])]
    return Analysis("agents", found.first, found.last, found.figures, found.tables, notes)


def _ranked(
    rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], counted: Counted, *, whole: bool
) -> Sequence[tuple[Value, ...]]:
    """The rows of one ranking, which are in its order; shares are of the range, or of the day, week or month alone."""
    orders = counted.orders if whole else sum(row["orders"] for row in rows)
    low = {row["agent_id"]: wilson(row["orders"], row["calls"])[0] or 0.0 for row in rows if row["agent_id"]}
    by_rate = {agent: place for place, agent in enumerate(sorted(low, key=lambda one: (-low[one], one)), start=1)}
    return [
        (
            place if row["agent_id"] else None,
            by_rate.get(row["agent_id"]),
            names.get(row["agent_id"]) or row["agent_id"],
            row["agent_id"],
            *counts(row, orders),
        )
        for place, row in enumerate(rows, start=1)
    ]


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The order of a single day's ranking: orders, 9-yuan orders, connected calls; calls of no agent come last."""
    return row["agent_id"] == "", -row["orders"], -row["grade_9"], -row["connected"], row["agent_id"]
