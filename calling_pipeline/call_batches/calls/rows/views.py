"""Rows of batches as the documents every door answers with: numbers masked, reasons in words; and as a CSV file."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NotRequired, cast

import sqlalchemy as sa
from typing_extensions import TypedDict

from calling_pipeline.call_batches.calling_tasks.redials import views as redial_views
from calling_pipeline.call_batches.calls.archives.archiving import Archives, find
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.records import REASONS, CallState
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_mobiles, mask_phone, mask_sample
from calling_pipeline.phones import read_phone

COLUMNS = ("call_id", "batch_id", "source_row", "phone", "state", "reason", "said", "code", "attempts", "distinct_id",
           "claimed_at", "row_key", "redial", "redial_of")  # fmt: skip


class RowDocument(TypedDict):
    """One row of a batch; `said` is its reason for people, `code` the gateway's.

    `row_key` is the source's own key, its mobile numbers masked. `redial` is the rule, by its result, that judged the
    number's last call, `redial_of` that call when this one redials it.
    """

    call_id: int
    batch_id: int
    source_row: int
    phone: str
    state: CallState
    reason: str | None
    said: str
    code: str | None
    attempts: int
    distinct_id: str | None
    claimed_at: dt.datetime | None
    row_key: str | None
    redial: str | None
    redial_of: int | None


class RowOfNumber(RowDocument):
    """A row in the history of its number; `result` is what became of it when it was pushed."""

    task: str
    day: dt.date
    planned_at: dt.datetime
    result: NotRequired[str]


class CalledDocument(TypedDict):
    """The call history of a number; `origin` is `imported` when the number was first known by an import."""

    calls: int
    first_called_at: dt.datetime | None
    last_called_at: dt.datetime | None
    origin: str
    imported_calls: int | None
    imported_called_at: dt.datetime | None
    imported_from: str | None


class RefusedDocument(TypedDict):
    """What the gateway refused last about a number."""

    about: str
    code: str
    refused_at: dt.datetime
    batch_id: int | None


class WhyDocument(TypedDict):
    """What the batches know of a number, which is masked."""

    phone: str
    called: CalledDocument | None
    refused: RefusedDocument | None
    redial: redial_views.RedialNow | None
    rows: list[RowOfNumber]


def row_document(row: Any) -> RowDocument:
    """One row of a batch, from the database or from a month file."""
    return {
        "call_id": row.id,
        "batch_id": row.batch_id,
        "source_row": row.source_row,
        "phone": mask_phone(row.phone) if row.phone else mask_sample(row.raw or ""),
        "state": row.state,
        "reason": row.reason,
        "said": REASONS.get(row.reason, row.reason or ""),
        "code": row.resp_code,
        "attempts": row.attempts,
        "distinct_id": row.distinct_id,
        "claimed_at": row.claimed_at,
        "row_key": None if row.row_key is None else mask_mobiles(row.row_key),
        "redial": row.redial,
        "redial_of": row.redial_of,
    }


def why(connection: sa.Connection, phone: str, *, limit: int = 100, archives: Archives | None = None) -> WhyDocument:
    """What became of a number in every batch, when it was called, what the gateway refused, and when it may be redialled.

    With `archives` their rows follow those of the database. Raises `InvalidInput` for what is no number.
    """
    reading = read_phone(phone)
    if reading.phone is None:
        raise InvalidInput(f"{mask_sample(phone)} is no number ({REASONS.get(reading.kind, reading.kind)})", field="phone")
    history, refusal = row_store.history_of(connection, reading.phone), row_store.refusal_of(connection, reading.phone)
    return {
        "phone": mask_phone(reading.phone),
        "called": None if history is None else _called(history),
        "refused": None
        if refusal is None
        else {"about": refusal.about, "code": refusal.code, "refused_at": refusal.refused_at, "batch_id": refusal.batch_id},
        "redial": redial_views.of_phone(connection, reading.phone),
        "rows": [_row_of_number(row) for row in _rows_of(connection, reading.phone, archives, limit)],
    }


def _row_of_number(row: Any) -> RowOfNumber:
    more = {"task": row.task_name, "day": row.day, "planned_at": row.planned_at}
    return cast(RowOfNumber, {**more, **row_document(row)})


def _called(history: Any) -> CalledDocument:
    return {
        "calls": history.calls,
        "first_called_at": history.first_called_at,
        "last_called_at": history.last_called_at,
        "origin": history.origin,
        "imported_calls": history.imported_calls,
        "imported_called_at": history.imported_called_at,
        "imported_from": history.imported_from,
    }


def _rows_of(connection: sa.Connection, phone: str, archives: Archives | None, limit: int) -> list[Any]:
    """Those of the database, then archived ones; a row that an interrupted run left in both is there once."""
    rows = row_store.of_phone(connection, phone, limit=limit)
    if archives is None:
        return rows
    here = {row.id for row in rows}
    there = [SimpleNamespace(**row) for row in find(connection, archives, phone) if row["id"] not in here]
    return [*rows, *there][:limit]


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = COLUMNS) -> int:
    """Write documents as CSV, with a byte order mark for spreadsheets; returns how many. Raises `OSError`."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row[column]) for column in columns])
            count += 1
    return count


def _cell(value: Any) -> Any:
    """The value; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
