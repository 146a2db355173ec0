"""The best time to call of one calling task: what was learned of hours, and what ordering by them brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.best_time import store
from calling_pipeline.analysis.best_time.judging import EVERY_DAYS, VALID_DAYS, Uplift, uplift_of
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table
from calling_pipeline.analysis.registry import Question

_HOURS = (
    Column("weekday", "weekday"),
    Column("hour", "hour"),
    Column("calls", "whole"),
    Column("success_rate", "percent"),
    Column("learned_rate", "percent"),
)
_LOOKS = (
    Column("day", "day"),
    Column("ordered_calls", "whole"),
    Column("exploring_calls", "whole"),
    Column("uplift", "number", "uplift_low", "uplift_high"),
    Column("uplift_low", "number"),
    Column("uplift_high", "number"),
    Column("verdict", "word"),
)
_TASKS = (Column("best_time_task", "text"), Column("best_time_state", "word"), Column("since", "day"))
_OPENS, _CLOSES = 6, 22


def best_time(connection: sa.Connection, question: Question) -> Analysis:
    """Of the calling task that the option `task` names, else of the first; all that order by hour, or did, are listed."""
    known = store.tasks(connection)
    wanted = question.options.get("task", "")
    chosen = next((task for task in known if task[1] == wanted), None) or (known[0] if known and not wanted else None)
    stands = {number: store.state(connection, number) for number, _, _ in known}
    listed = [(name, _word(stands[number], on=on), _since(stands[number])) for number, name, on in known]
    tables = [Table("best_time_tasks", _TASKS, listed)]
    notes = [Note("best_time_rule", {"every": EVERY_DAYS, "valid": VALID_DAYS})]
    figures: Sequence[Figure] = ()
    if chosen is not None:
        number, name, _ = chosen
        measured = uplift_of(store.strata(connection, number, question.first, question.last))
        figures = _figures(measured)
        tables += [_looks(connection, number, question), _hours(connection, number)]
        notes.append(Note("best_time_of", {"task": name}))
        state = stands[number]
        if state is not None and state.off_at is not None:
            notes.append(Note("best_time_off", {"day": days.day_of(state.off_at), "why": state.off_reason}, "warning"))
    return Analysis("best_time", question.first, question.last, figures, tables, notes)


def _word(state: store.State | None, *, on: bool) -> str:
    if on:
        return "on"
    return "off_by_itself" if state is not None and state.off_at is not None else "off"


def _since(state: store.State | None) -> dt.date | None:
    return state.since if state is not None else None


def _figures(measured: Uplift) -> Sequence[Figure]:
    return (
        Figure("ordered_calls", measured.ordered, "whole"),
        Figure("exploring_calls", measured.exploring, "whole"),
        Figure("ordered_rate", _points(measured.ordered_rate), "percent"),
        Figure("exploring_rate", _points(measured.exploring_rate), "percent"),
        Figure("uplift", _points(measured.uplift), "number", None, _points(measured.low), _points(measured.high)),
    )


def _hours(connection: sa.Connection, calling_task_id: int) -> Table:
    rows = [
        (
            row.weekday,
            row.hour,
            row.calls,
            _points(row.successes / row.calls) if row.calls else None,
            _points(row.alpha / (row.alpha + row.beta)),
        )
        for row in store.hours(connection, calling_task_id)
        if _OPENS <= row.hour < _CLOSES or row.calls
    ]
    return Table("best_time_hours", _HOURS, rows)


def _looks(connection: sa.Connection, calling_task_id: int, question: Question) -> Table:
    rows = [
        (
            row.day,
            row.ordered,
            row.exploring,
            _points(row.uplift),
            _points(row.low),
            _points(row.high),
            f"look_{row.verdict.replace(' ', '_')}",
        )
        for row in store.looks(connection, calling_task_id, question.first, question.last)
    ]
    return Table("best_time_looks", _LOOKS, rows)


def _points(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)
