"""The ranking of agents over a range, or in each day, week or month of it, with what is needed to judge it fairly."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from calling_pipeline.analysis.intervals import wilson
from calling_pipeline.analysis.records import Analysis, Column, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.statistics import store
from calling_pipeline.analysis.statistics.parts import COUNTS, answer, counts
from calling_pipeline.analysis.statistics.records import Counted
from calling_pipeline.errors import InvalidInput

BY = ("range", "day", "week", "month")
MOST_RANKED = 1000
"""Rows of a table; of more the newest whole periods are shown."""
FEW_CALLS = 100
"""An agent with fewer calls cannot be compared with others: the interval of the rate is wider than the differences."""
LONGEST: Mapping[str, int] = {"range": 400, "day": 31, "week": 182, "month": 400}
"""How many days a ranking is of at most, so that it is answered at once."""
_HEADS = (Column("rank", "whole"), Column("agent_name", "text"))
_TAILS = (Column("rank_by_rate", "whole"), Column("agent_id", "text"))


def agents(connection: sa.Connection, question: Question) -> Analysis:
    """Agents by orders; `rank_by_rate` is by the lower end of the interval of their order rate.

    `by` is range, day, week or month: then the ranking begins anew in each, newest first. Calls of no agent have no rank.
    Of more than 1,000 rows the newest whole periods are shown. Raises `InvalidInput` for more days than `LONGEST`.
    """
    by = question.options["by"]
    length = (question.last - question.first).days + 1
    if length > LONGEST[by]:
        raise InvalidInput(f"a ranking by {by} is of {LONGEST[by]} days at most; these are {length}", field="by")
    few: Counter[str] = Counter()

    def tables(counted: Counted) -> Sequence[Table]:
        periods = _periods(by, question.first, question.last)
        found, total = store.agent_sums(connection, periods, most=MOST_RANKED)
        groups = [list(group) for _, group in groupby(found, key=lambda row: row["start"])]
        if total > len(found) and len(groups) > 1:
            groups.pop()  # it may be cut in the middle, and a ranking of a part would be wrong
        few.update(row["agent_id"] for group in groups for row in group if row["agent_id"] and row["calls"] < FEW_CALLS)
        rows = [
            (*(() if by == "range" else (group[0]["start"],)), *row)
            for group in groups
            for row in _ranked(group, question.agent_names, counted, whole=by == "range")
        ]
        start = () if by == "range" else (Column("start", "month" if by == "month" else "day"),)
        return (Table("agents", (*start, *_HEADS, *COUNTS, *_TAILS), rows, total_rows=total),)

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
            names.get(row["agent_id"]) or row["agent_id"],
            *counts(row, orders),
            by_rate.get(row["agent_id"]),
            row["agent_id"],
        )
        for place, row in enumerate(rows, start=1)
    ]


def _periods(by: str, first: dt.date, last: dt.date) -> Sequence[tuple[dt.date, dt.date]]:
    """First and last day of each day, week (from Monday) or month within the range; those at its ends may be cut."""
    if by == "range":
        return [(first, last)]
    found: list[tuple[dt.date, dt.date]] = []
    while first <= last:
        if by == "day":
            after = first + dt.timedelta(days=1)
        elif by == "week":
            after = first + dt.timedelta(days=8 - first.isoweekday())
        else:
            after = (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        found.append((first, min(last, after - dt.timedelta(days=1))))
        first = after
    return found
