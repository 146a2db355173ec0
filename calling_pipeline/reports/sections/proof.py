"""The page of proof: what each day's numbers rest on, and its control totals."""

from __future__ import annotations

from typing import Any

from calling_pipeline.analysis.records import Column, Table, Value
from calling_pipeline.call_stats.ranges.records import RangeDay
from calling_pipeline.reports.gathering import Gathered, notes_on_days, row_of, standing_word
from calling_pipeline.reports.records import Section

CONTROL_COLUMNS = (
    Column("day", "day"),
    Column("task_known", "whole"),
    Column("grade_known", "whole"),
    Column("dialled", "whole"),
    Column("connected", "whole"),
    Column("records", "whole"),
    Column("grade_9", "whole"),
    Column("grade_1", "whole"),
    Column("orders", "whole"),
)
_READ_COLUMNS = (
    Column("day", "day"),
    Column("track", "word"),
    Column("standing", "word"),
    Column("source", "word"),
    Column("mode", "word"),
    Column("read_at", "moment"),
    Column("age", "seconds"),
    Column("full_read_at", "moment"),
    Column("reported", "whole"),
    Column("fetched", "whole"),
    Column("distinct", "whole"),
    Column("late_rows", "whole"),
)


def proof(found: Gathered) -> Section:
    """Age, completeness and fetch proof of each day and track, and what each day adds to the totals."""
    both = list(zip(found.task, found.grade, strict=True))
    reads = tuple(_read(one, found) for pair in both for one in pair)
    control = tuple(_control(task, grade) for task, grade in both)
    return Section(
        "proof",
        tables=(Table("reads", _READ_COLUMNS, reads), Table("control", CONTROL_COLUMNS, control)),
        notes=notes_on_days(found),
        settled=False,
    )


def _read(one: RangeDay, found: Gathered) -> tuple[Value, ...]:
    cached = one.cached
    proof: Any = cached.proof if cached is not None else None
    kept_at = getattr(one.kept, f"{one.track}_calculated_at") if one.kept is not None else None
    read_at = cached.calculated_at if cached is not None else kept_at
    return (
        one.date,
        f"{one.track}_track",
        standing_word(one, found.now),
        "cache" if cached is not None else "history" if one.kept is not None else None,
        proof.mode if proof else None,
        read_at,
        round((found.now - read_at).total_seconds()) if read_at is not None else None,
        proof.full_read_at if proof else None,
        proof.reported_total if proof else None,
        proof.rows_fetched if proof else None,
        proof.distinct_ids if proof else None,
        proof.late_rows if proof else None,
    )


def _control(task: RangeDay, grade: RangeDay) -> tuple[Value, ...]:
    by_task, by_grade = row_of(task), row_of(grade)
    return (
        task.date,
        int(by_task is not None),
        int(by_grade is not None),
        by_task.callout_number if by_task is not None else 0,
        by_task.called_number if by_task is not None else 0,
        by_grade.total_records if by_grade is not None else 0,
        by_grade.grade_9 if by_grade is not None else 0,
        by_grade.grade_1 if by_grade is not None else 0,
        by_grade.total_success if by_grade is not None else 0,
    )
