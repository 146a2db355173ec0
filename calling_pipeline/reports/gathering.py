"""What is stored of a period and of what it is compared with, read once for all sections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.records import Note, Severity
from calling_pipeline.call_stats.ranges.records import RangeDay
from calling_pipeline.call_stats.ranges.store import read_range
from calling_pipeline.call_stats.ranges.views import standing_of
from calling_pipeline.call_stats.records import GradeDay, TaskDay, Track
from calling_pipeline.reports import periods
from calling_pipeline.reports.records import Period

LISTED = 7
"""Days that a note names; of more it says how many."""

_NAMES = {"held": "days_held_by", "missing": "days_missing", "incomplete": "days_lacking"}


@dataclass(frozen=True)
class Sums:
    """Both tracks over days: of the task track `dialled` and `connected`, of the grade track the others."""

    task_days: int = 0
    grade_days: int = 0
    dialled: int = 0
    connected: int = 0
    records: int = 0
    grade_9: int = 0
    grade_1: int = 0
    orders: int = 0


@dataclass(frozen=True)
class Gathered:
    """The period's days by both tracks, the sums of the days it is compared with, and names that are no numbers."""

    connection: sa.Connection
    period: Period
    now: dt.datetime
    task: Sequence[RangeDay]
    grade: Sequence[RangeDay]
    sums: Sums
    compared: Period
    before: Sums
    agent_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """First instant of the period, and first instant after it."""
        return days.day_bounds(self.period.first)[0], days.day_bounds(self.period.last)[1]


def gather(connection: sa.Connection, period: Period, agent_names: Mapping[str, str]) -> Gathered:
    """Read the days of the period and those it is compared with."""
    other = periods.compared(period)
    task, grade = (read_range(connection, track, period.first, period.last) for track in ("task", "grade"))
    task_before, grade_before = (read_range(connection, track, other.first, other.last) for track in ("task", "grade"))
    return Gathered(
        connection,
        period,
        days.now(),
        task,
        grade,
        sums_of(task, grade),
        other,
        sums_of(task_before, grade_before),
        agent_names,
    )


def sums_of(task: Sequence[RangeDay], grade: Sequence[RangeDay]) -> Sums:
    """What the known days add up to."""
    known_task = [row for one in task if (row := row_of(one)) is not None]
    known_grade = [row for one in grade if (row := row_of(one)) is not None]
    return Sums(
        task_days=len(known_task),
        grade_days=len(known_grade),
        dialled=sum(row.callout_number for row in known_task),
        connected=sum(row.called_number for row in known_task),
        records=sum(row.total_records for row in known_grade),
        grade_9=sum(row.grade_9 for row in known_grade),
        grade_1=sum(row.grade_1 for row in known_grade),
        orders=sum(row.total_success for row in known_grade),
    )


def row_of(one: RangeDay) -> Any:
    """The day's numbers: cached, or as the history has kept them; None when it was never read."""
    return one.cached if one.cached is not None else one.kept


def standing_word(one: RangeDay, now: dt.datetime) -> str:
    """How the day stands, as a word of the analyses."""
    return standing_of(one, now).replace(" ", "_")


def notes_on_days(found: Gathered, tracks: Sequence[Track] = ("task", "grade")) -> tuple[Note, ...]:
    """What a section over these tracks must say of its days: held, missing, incomplete, corrected after they were full."""
    notes: list[Note] = []
    for track in tracks:
        standing: dict[str, list[RangeDay]] = {}
        for one in found.task if track == "task" else found.grade:
            word = standing_word(one, found.now)
            if word in ("held", "missing", "incomplete"):
                name = "days_unread" if word == "missing" and one.failed is not None else _NAMES[word]
                standing.setdefault(name, []).append(one)
            if _corrected(one.cached):
                standing.setdefault("days_corrected", []).append(one)
        for name, concerned in standing.items():
            severity: Severity = "note" if name == "days_corrected" else "warning"
            values = {"track": track, "count": len(concerned), "days": [one.date for one in concerned[:LISTED]]}
            notes.append(Note(name, values | _why(name, concerned), severity))
    return tuple(notes)


def not_over(found: Gathered) -> tuple[Note, ...]:
    """That the period still goes on, so that what is counted as it happens is not all there; empty when it is over."""
    if found.now >= found.bounds[1]:
        return ()
    return (Note("not_over", {"last": found.period.last}, "warning"),)


def _why(name: str, concerned: Sequence[RangeDay]) -> dict[str, Any]:
    """Why the days stand as they do: the gate's rules, how many records are lacking, how many reads failed."""
    if name == "days_held_by":
        rules = [str(reason["rule"]) for one in concerned if one.held is not None for reason in one.held.reasons]
        return {"rules": list(dict.fromkeys(rules))}
    if name == "days_lacking":
        proofs = [one.cached.proof for one in concerned if one.cached is not None and one.cached.proof is not None]
        return {"lacking": sum(abs(proof.reported_total - proof.distinct_ids) for proof in proofs)}
    if name == "days_unread":
        return {"failures": sum(one.failed.failures for one in concerned if one.failed is not None)}
    return {}


def _corrected(cached: GradeDay | TaskDay | None) -> bool:
    """Whether the read that stands found changes that the reads before it had missed."""
    return cached is not None and cached.proof is not None and cached.proof.late_rows > 0
