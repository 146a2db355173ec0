"""Who was called: call history, call logs and half-done batches, as one import into the call history.

A row whose call may have happened counts as called: what an old system was doing when it stopped is never made up for. Of a
batch that was begun that is every row it does not certainly call untouched; rows of a batch that was never begun, and rows
that were certainly not called, stay to be called.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.masking import mask_phone, mask_sample
from calling_pipeline.takeover import store, values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.mapping import Section
from calling_pipeline.takeover.records import Counts, Fields

_ALONE = ""
"""The batch of rows that name none."""


def take(job: Job, connection: sa.Connection, counts: Counts) -> None:
    """Take every number that the old system called, or may have called."""
    called = Called(job, counts)
    report = import_history(
        connection, called.rows(), source=job.source.name[:200], by=job.by, reason=job.reason, dry_run=job.dry_run
    )
    counts.rows_read += report.read
    counts.taken += report.taken
    for reason, rows in report.reasons.items():
        if reason == "unchanged":
            counts.already_there += rows
        else:
            counts.refuse(reason, rows)
    for remark, rows in report.remarks.items():
        counts.note(remark, times=rows)
    twice = store.different_times(connection, last_line=called.history_lines)
    for row in twice:
        counts.note(
            "called_at_different_times",
            f"{mask_phone(row.phone)}: {days.wall_clock(row.first)} / {days.wall_clock(row.last)}",
            times=0,
        )
    if twice:
        entry = counts.found["called_at_different_times"]
        entry["count"] = twice[0].numbers


class Called:
    """The rows of three tables in one stream. `history_lines`: rows of the history itself, which come first."""

    def __init__(self, job: Job, counts: Counts) -> None:
        self._job = job
        self._counts = counts
        self._line = 0
        self.history_lines = 0

    def rows(self) -> Iterator[HistoryRow]:
        """Every row of a call that was made or may have been."""
        for name, of_section in (("history", self._history), ("call_log", self._log), ("batches", self._batches)):
            found = self._job.section(name)
            if found is not None and "phone" in found[1].columns:
                yield from of_section(*found)
            if name == "history":
                self.history_lines = self._line

    def _history(self, table: str, section: Section) -> Iterator[HistoryRow]:
        for row in self._job.source.rows(table):
            fields = section.fields(row)
            yield self._made(fields, calls=values.whole(fields.get("calls")) if "calls" in fields else 1)

    def _log(self, table: str, section: Section) -> Iterator[HistoryRow]:
        for row in self._job.source.rows(table):
            fields = section.fields(row)
            if section.says("not_called_words", fields.get("outcome")):
                self._left("not_called")
            else:
                yield self._made(fields, calls=None)

    def _batches(self, table: str, section: Section) -> Iterator[HistoryRow]:
        begun = self._begun(table, section)
        for row in self._job.source.rows(table):
            fields = section.fields(row)
            outcome = fields.get("outcome")
            if section.says("not_called_words", outcome):
                self._left("not_called")
            elif section.says("waiting_words", outcome) and _batch(fields) not in begun:
                self._left("batch_not_begun")
            else:
                if not section.says("called_words", outcome):
                    self._counts.note("may_have_been_called", mask_sample(values.text(fields.get("phone")) or ""))
                yield self._made(fields, calls=1)

    def _begun(self, table: str, section: Section) -> set[str]:
        """Batches of which some row is neither waiting nor certainly not called."""
        begun = set()
        for row in self._job.source.rows(table):
            fields = section.fields(row)
            outcome = fields.get("outcome")
            if not section.says("waiting_words", outcome) and not section.says("not_called_words", outcome):
                begun.add(_batch(fields))
        return begun

    def _made(self, fields: Fields, *, calls: int | None) -> HistoryRow:
        self._line += 1
        return HistoryRow(
            values.text(fields.get("phone")) or "",
            values.moment(fields.get("called_at")),
            values.moment(fields.get("first_called_at")),
            calls,
            values.text(fields.get("staff_name")),
            values.text(fields.get("sys_name")),
            values.text(fields.get("order_type")),
            values.whole(fields.get("order_nums")),
            line=self._line,
        )

    def _left(self, reason: str) -> None:
        self._counts.rows_read += 1
        self._counts.refuse(reason)


def _batch(fields: Fields) -> str:
    return values.text(fields.get("batch")) or _ALONE


WORK = Work("history", ("history", "call_log", "batches"), whole=take)
