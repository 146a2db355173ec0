"""The old caches of both tracks: days that this system has not read itself enter the history of daily numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.history.store_taking import OldDay, take_days
from calling_pipeline.call_stats.records import Track
from calling_pipeline.takeover import values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.mapping import Section
from calling_pipeline.takeover.records import Counts, Row

_NUMBERS: Mapping[str, tuple[Track, Sequence[str]]] = {
    "task_statistics": ("task", ("total_tasks", "callout_number", "called_number", "success_number")),
    "grade_statistics": ("grade", ("grade_9", "grade_1", "total_success", "total_records")),
}


def take(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take days that are over and whose numbers agree with each other; a day that was read here keeps its own."""
    counts.rows_read += len(rows)
    track, names = _NUMBERS[section.name]
    wanted: dict[object, OldDay] = {}
    for row in rows:
        fields = section.fields(row)
        date = values.day(fields.get("date"))
        found = [values.whole(fields.get(name)) for name in names]
        if date is None:
            counts.refuse("no_date")
        elif date >= days.today():
            counts.refuse("day_not_over")
        elif any(number is None for number in found):
            counts.refuse("number_missing")
        elif not _adds_up(track, [number or 0 for number in found]):
            counts.refuse("does_not_add_up")
            counts.note("numbers_disagree", f"{track} {date}: {', '.join(map(str, found))}")
        elif date in wanted:
            counts.refuse("repeated")
        else:
            at = values.moment(fields.get("calculated_at")) or days.now()
            wanted[date] = OldDay(date, tuple(number or 0 for number in found), min(at, days.now()))
    taken = take_days(connection, track, list(wanted.values()))
    counts.taken += taken
    counts.already_there += len(wanted) - taken


def _adds_up(track: Track, numbers: Sequence[int]) -> bool:
    if track == "grade":
        grade_9, grade_1, orders, records = numbers
        return grade_9 + grade_1 == orders <= records
    _, called_out, connected, _ = numbers
    return connected <= called_out


WORK = Work("statistics", tuple(_NUMBERS), take)
