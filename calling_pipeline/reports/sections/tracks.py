"""Both tracks of each day side by side, and why they differ."""

from __future__ import annotations

from calling_pipeline.analysis.records import Column, Figure, Note, Table, Value
from calling_pipeline.call_stats.quality import READ_TOGETHER, TRACK_TOLERANCE
from calling_pipeline.call_stats.ranges.records import RangeDay
from calling_pipeline.reports.gathering import Gathered, notes_on_days, row_of
from calling_pipeline.reports.records import Section

_COLUMNS = (
    Column("day", "day"),
    Column("dialled", "whole"),
    Column("records", "whole"),
    Column("difference", "whole"),
    Column("difference_rate", "percent"),
    Column("connected", "whole"),
    Column("success_number", "whole"),
    Column("orders", "whole"),
    Column("minutes_apart", "whole"),
)


def tracks(found: Gathered) -> Section:
    """Calls as the dialling tasks and as the call records count them; a large difference, or reads far apart, is said."""
    rows = [_row(task, grade) for task, grade in zip(found.task, found.grade, strict=True)]
    difference = found.sums.dialled - found.sums.records
    figures = (
        Figure("dialled", found.sums.dialled, "whole"),
        Figure("records", found.sums.records, "whole"),
        Figure("difference", difference, "whole"),
    )
    return Section(
        "tracks",
        figures=figures,
        tables=(Table("tracks", _COLUMNS, tuple(rows)),),
        notes=(*_explained(rows), *notes_on_days(found)),
    )


def _row(task: RangeDay, grade: RangeDay) -> tuple[Value, ...]:
    by_task, by_grade = row_of(task), row_of(grade)
    dialled = by_task.callout_number if by_task is not None else None
    records = by_grade.total_records if by_grade is not None else None
    difference = rate = apart = None
    if dialled is not None and records is not None:
        difference = dialled - records
        rate = round(100 * difference / max(dialled, records), 2) if max(dialled, records) else 0.0
    if task.cached is not None and grade.cached is not None:
        apart = round(abs((task.cached.calculated_at - grade.cached.calculated_at).total_seconds()) / 60)
    return (
        task.date,
        dialled,
        records,
        difference,
        rate,
        by_task.called_number if by_task is not None else None,
        by_task.success_number if by_task is not None else None,
        by_grade.total_success if by_grade is not None else None,
        apart,
    )


def _explained(rows: list[tuple[Value, ...]]) -> tuple[Note, ...]:
    notes = [Note("tracks_explained", {"tolerance": round(100 * TRACK_TOLERANCE)})]
    beyond = [row[0] for row in rows if isinstance(row[4], float) and abs(row[4]) > 100 * TRACK_TOLERANCE]
    apart = [row[0] for row in rows if isinstance(row[8], int) and row[8] > READ_TOGETHER.total_seconds() / 60]
    if beyond:
        notes.append(Note("tracks_differ", {"days": beyond[:7], "count": len(beyond)}, "warning"))
    if apart:
        notes.append(Note("tracks_read_apart", {"days": apart[:7], "count": len(apart)}))
    return tuple(notes)
