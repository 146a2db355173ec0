"""A shadow day compared: whom the old system called and this one would not have, whom this one would and the old did not.

Nothing is changed. This system would have called the numbers of the batches that it planned that day in shadow mode, and
where it calls already those that it called.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.people import store as people_store
from calling_pipeline.errors import Forbidden
from calling_pipeline.masking import mask_phone
from calling_pipeline.phones import read_phone
from calling_pipeline.runtime import Runtime
from calling_pipeline.takeover import mapping, values
from calling_pipeline.takeover.comparison import store
from calling_pipeline.takeover.job import Job
from calling_pipeline.takeover.parts.history import Called
from calling_pipeline.takeover.records import EXAMPLES, Counts
from calling_pipeline.takeover.sources.opening import open_source

HEADER = ("phone", "only", "reason")
CALLED, BLOCKED = "called", "blocked"


@dataclass(frozen=True)
class Difference:
    """Numbers that only one of the two would have called, for one reason; examples masked."""

    only: str
    reason: str
    numbers: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """One day. `old` and `new`: numbers that each called or would have called; old = both + only the old's, and so new."""

    day: dt.date
    source: str
    old: int
    new: int
    both: int
    batches: int
    differences: tuple[Difference, ...]
    unusable: int
    """Rows of the old system whose number could not be read."""

    def only(self, side: str) -> int:
        """Numbers that only `old` or only `new` called."""
        return sum(one.numbers for one in self.differences if one.only == side)


def compare(
    runtime: Runtime,
    given: str,
    day: dt.date,
    *,
    mapping_file: Path | None = None,
    csv_file: Path | None = None,
    unmasked: bool = False,
    by: str,
) -> Comparison:
    """Compare one day with the old system. `csv_file`: every number that only one would have called, masked unless asked.

    Raises `Forbidden` for whole numbers when `by` is a person without the role admin; who had them is noted.
    """
    source = open_source(given)
    try:
        job = Job(runtime, source, mapping.load(mapping_file), by, tables=dict(source.tables()))
        counts = Counts()
        with runtime.engine.connect() as connection, connection.begin():
            if unmasked:
                _require_admin(connection, by)
            store.prepare(connection)
            store.copy_old(connection, _old_calls(job, counts))
            sums = store.decide(connection, day)
            differences = _differences(connection)
            if csv_file is not None:
                _write(csv_file, store.differing(connection), unmasked=unmasked)
            if csv_file is not None and unmasked:
                note_act(connection, "takeover.compare", f"takeover_day:{day}", by=by, after={"file": csv_file.name})
        return Comparison(day, source.name, sums.old, sums.new, sums.same, sums.batches, differences, counts.rows_read)
    finally:
        source.close()


def _old_calls(job: Job, counts: Counts) -> Iterator[tuple[str, dt.datetime | None, str]]:
    """(number, when, what) of every row of the old system; `counts.rows_read`: rows without a usable number."""
    known: dict[str, str | None] = {}
    for row in Called(job, Counts()).rows():
        phone = _canonical(row.phone, known)
        if phone is None:
            counts.rows_read += 1
        else:
            yield phone, row.last_called_at or row.updated_time, CALLED
    blocked = job.section("do_not_call")
    if blocked is not None:
        table, section = blocked
        for found in job.source.rows(table):
            phone = _canonical(values.text(section.fields(found).get("phone")) or "", known)
            if phone is not None:
                yield phone, None, BLOCKED


def _canonical(spelling: str, known: dict[str, str | None]) -> str | None:
    if len(known) > 100_000:
        known.clear()
    if spelling not in known:
        known[spelling] = read_phone(spelling).phone
    return known[spelling]


def _differences(connection: sa.Connection) -> tuple[Difference, ...]:
    return tuple(
        Difference(row.side, row.reason, row.numbers, tuple(mask_phone(phone) for phone in row.examples))
        for row in store.counted(connection, EXAMPLES)
    )


def _write(path: Path, rows: Iterable[tuple[str, str, str]], *, unmasked: bool) -> None:
    """A file that nobody else on this machine may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        os.fchmod(file.fileno(), 0o600)
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows((phone if unmasked else mask_phone(phone), only, reason) for phone, only, reason in rows)


def _require_admin(connection: sa.Connection, by: str) -> None:
    person = people_store.by_name(connection, by)
    if person is not None and person.role != "admin":
        raise Forbidden(f"whole numbers are for admins; {by} is {person.role}. Without --unmasked the file has masked ones")


def said(reason: str, day: dt.date) -> str:
    """A reason in words."""
    return _SAID.get(reason, reason).format(day=days.wall_clock(days.day_bounds(day)[0])[:10])


_SAID = {
    "no_batch_planned": "no batch was planned here on {day}",
    "not_in_a_source": "it was in no table that a calling task read on {day}",
    "taken_over_meanwhile": "the old call of {day} was taken over before the batch was planned",
    "called_before_by_old": "the old system called it before {day}: take the history over again",
    "on_old_do_not_call": "it is on the old do-not-call list: take that over",
    "not_called_by_old": "the old system did not call it on {day}",
}
