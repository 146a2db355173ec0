"""The funnel: how many pushed calls were dialled, connected and ordered, beside the whole centre.

A pushed call is waiting, not dialled, not connected or connected, and nothing else: `difference` says what is left over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.funnel import store
from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.statistics.records import Counted
from calling_pipeline.analysis.statistics.store import counted_of

_SUMS = (
    "batches",
    "unjoined",
    "pushed",
    "waiting",
    "not_dialled",
    "not_connected",
    "connected",
    "grade_9",
    "grade_1",
    "talk_s",
)
TASKS = (
    Column("calling_task", "text"),
    Column("batches", "whole"),
    Column("pushed", "whole"),
    Column("waiting", "whole"),
    Column("not_dialled", "whole"),
    Column("not_connected", "whole"),
    Column("dialled", "whole"),
    Column("connected", "whole"),
    Column("connected_rate", "percent", "connected_rate_low", "connected_rate_high"),
    Column("connected_rate_low", "percent"),
    Column("connected_rate_high", "percent"),
    Column("grade_9", "whole"),
    Column("grade_1", "whole"),
    Column("orders", "whole"),
    Column("order_rate", "percent", "order_rate_low", "order_rate_high"),
    Column("order_rate_low", "percent"),
    Column("order_rate_high", "percent"),
    Column("talk_s", "seconds"),
)
STAGES = (
    Column("stage", "word"),
    Column("batch_calls", "whole"),
    Column("of_pushed", "percent"),
    Column("of_stage_before", "percent"),
    Column("centre_calls", "whole"),
    Column("centre_of_stage_before", "percent"),
)


def funnel(connection: sa.Connection, question: Question) -> Analysis:
    """The calls that the batches of these days pushed, by stage and by calling task; rates are of dialled calls.

    Dialled calls have a call record whose call was dialled. The centre's numbers are of all call records of these days,
    so calls of a batch of the last day that are dialled a day later are not in them.
    """
    first, last = question.first, question.last
    count = (last - first).days + 1
    found = store.stages(connection, first, last)
    before = store.stages(connection, first - dt.timedelta(days=count), first - dt.timedelta(days=1))
    centre, whole, earlier = counted_of(connection, first, last), _whole(found), _whole(before)
    return Analysis(
        "funnel",
        first,
        last,
        figures=_figures(whole, earlier if before else None),
        tables=(
            Table("stages", STAGES, _stages(whole, centre)),
            Table("calling_tasks", TASKS, [_task(row) for row in found]),
        ),
        notes=_notes(found, whole, centre, count),
    )


def dialled(row: Mapping[str, Any]) -> int:
    """Pushed calls of which a call record says that they were dialled."""
    return int(row["connected"] + row["not_connected"])


def orders(row: Mapping[str, Any]) -> int:
    """Calls with an order of either kind."""
    return int(row["grade_9"] + row["grade_1"])


def difference(row: Mapping[str, Any]) -> int:
    """Pushed calls that are in no stage: 0."""
    return int(row["pushed"] - row["waiting"] - row["not_dialled"] - dialled(row))


def _whole(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    return {name: sum(row[name] for row in rows) for name in _SUMS}


def _figures(whole: Mapping[str, int], before: Mapping[str, int] | None) -> Sequence[Figure]:
    def plain(name: str, of: Mapping[str, int] | None) -> int | None:
        made = {"dialled": dialled, "orders": orders}
        return None if of is None else made[name](of) if name in made else of[name]

    counts = [
        Figure(name, plain(name, whole), "whole", plain(name, before))
        for name in ("pushed", "waiting", "dialled", "connected", "orders")
    ]
    rates = [
        Figure(
            name,
            share(part(whole), dialled(whole)),
            "percent",
            share(part(before), dialled(before)) if before is not None else None,
            *wilson(part(whole), dialled(whole)),
        )
        for name, part in (("connected_rate", lambda of: of["connected"]), ("order_rate", orders))
    ]
    return (*counts, *rates, Figure("difference", difference(whole), "whole"))


def _stages(whole: Mapping[str, int], centre: Counted) -> Sequence[tuple[Value, ...]]:
    ours = [
        ("pushed", whole["pushed"], None),
        ("dialled", dialled(whole), centre.calls),
        ("connected", whole["connected"], centre.connected),
        ("ordered", orders(whole), centre.orders),
    ]
    rows: list[tuple[Value, ...]] = []
    above: tuple[int, int | None] | None = None
    for stage, calls, all_calls in ours:
        of_all = share(all_calls, above[1]) if above is not None and above[1] and all_calls is not None else None
        step = share(calls, above[0]) if above is not None else None
        rows.append((stage, calls, share(calls, whole["pushed"]), step, all_calls, of_all))
        above = (calls, all_calls)
    return rows


def _task(row: Mapping[str, Any]) -> tuple[Value, ...]:
    calls = dialled(row)
    return (
        row["task_name"],
        row["batches"],
        row["pushed"],
        row["waiting"],
        row["not_dialled"],
        row["not_connected"],
        calls,
        row["connected"],
        share(row["connected"], calls),
        *wilson(row["connected"], calls),
        row["grade_9"],
        row["grade_1"],
        orders(row),
        share(orders(row), calls),
        *wilson(orders(row), calls),
        row["talk_s"],
    )


def _notes(rows: Sequence[Mapping[str, Any]], whole: Mapping[str, int], centre: Counted, count: int) -> Sequence[Note]:
    found = [Note("counted_days", {"counted": centre.days, "days": count}), Note("funnel_rates")]
    oldest = min((row["oldest_waiting_at"] for row in rows if row["oldest_waiting_at"] is not None), default=None)
    if whole["waiting"] and oldest is not None:
        since = f"{oldest.astimezone(days.SHANGHAI):%Y-%m-%d %H:%M}"
        found.append(Note("waiting", {"count": whole["waiting"], "since": since}))
    if whole["unjoined"]:
        found.append(Note("unjoined", {"count": whole["unjoined"]}, "warning"))
    if difference(whole):
        found.append(Note("difference", {"count": difference(whole)}, "warning"))
    return found
