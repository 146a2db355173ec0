"""Taking a call history that was kept elsewhere into ours: nobody in it is called again, and every row has its verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.call_batches.history import store
from calling_pipeline.call_batches.history.lines import Liner
from calling_pipeline.call_batches.history.records import HistoryRow, ImportReport, JudgedRow
from calling_pipeline.contact_policy.erased.entering import Entrance
from calling_pipeline.database.bulk import copy_stream
from calling_pipeline.errors import CallingError, InvalidInput
from calling_pipeline.masking import mask_phone

LONGEST_SOURCE = 200
SHOWN = 20


def import_history(
    connection: sa.Connection,
    rows: Iterable[HistoryRow],
    *,
    source: str,
    by: str,
    reason: str = "",
    dry_run: bool = False,
    shown: int = SHOWN,
    keep_rows: Callable[[Iterator[JudgedRow]], None] | None = None,
) -> ImportReport:
    """Take `rows` into the call history in the caller's transaction: all of them or, when it fails, none.

    The same rows again change nothing, so an import that was interrupted is simply begun again. Of rows with one number the
    first call, the newest one, and the number of calls are kept: the greatest count named, or how many rows have none.
    `source` names where they come from. `dry_run`: say the same and change nothing. `shown`: how many rows of both kinds the
    report names. `keep_rows` is given every row with its verdict. Raises `InvalidInput` for a source that is none.
    """
    whose, now = _named(source), days.now()
    store.prepare(connection)
    entrance = Entrance(connection)
    liner = Liner(now, entrance.token if entrance.erased is not None else None)
    with copy_stream(connection, store.LINES, store.COLUMNS) as write:
        for chunk in liner.chunks(rows):
            write(chunk)
    decided = store.decide(connection, now)
    report = _report(connection, liner, decided, whose, dry_run=dry_run, shown=shown)
    if keep_rows is not None:
        keep_rows(_judged(row) for row in store.all_judged(connection))
    if report.taken and not dry_run:
        written = store.keep(connection, whose)
        if written != report.taken:
            raise CallingError(f"the import of {whose} does not add up: {written} numbers were written, not {report.taken}")
        _note(connection, report, now, by=by, reason=reason)
    return report


def _report(
    connection: sa.Connection, liner: Liner, decided: dict[str, int], source: str, *, dry_run: bool, shown: int
) -> ImportReport:
    found = {"repeated": liner.with_number - sum(decided.values()), "unchanged": decided.get("unchanged", 0)}
    reasons = dict(sorted(liner.reasons.items())) | {reason: rows for reason, rows in found.items() if rows}
    new, changed = decided.get("new", 0), decided.get("changed", 0)
    report = ImportReport(
        read=liner.read,
        taken=new + changed,
        new=new,
        changed=changed,
        reasons=reasons,
        remarks=dict(sorted(liner.remarks.items())),
        examples=tuple(map(_judged, store.judged(connection, rejected=True, limit=shown))),
        first=tuple(map(_judged, store.judged(connection, rejected=False, limit=shown))),
        source=source,
        dry_run=dry_run,
    )
    if not report.adds_up:
        raise CallingError(f"the import of {source} does not add up: {report.read} rows were read")
    return report


def _judged(row: Any) -> JudgedRow:
    return JudgedRow(row.line, mask_phone(row.phone), row.verdict, row.reason, row.remark)


def _named(source: str) -> str:
    clean = source.strip()
    if not clean or len(clean) > LONGEST_SOURCE or not clean.isprintable():
        raise InvalidInput(
            f"the source of an import names the system it comes from, in at most {LONGEST_SOURCE} characters", field="source"
        )
    return clean


def _note(connection: sa.Connection, report: ImportReport, now: dt.datetime, *, by: str, reason: str) -> None:
    after = {"source": report.source, "read": report.read, "new": report.new, "changed": report.changed}
    note_act(connection, "call_history.import", f"call_history_source:{report.source}", by=by, reason=reason, after=after)
    note(connection, "call_history", days.day_of(now), by=by, imported=report.taken)
