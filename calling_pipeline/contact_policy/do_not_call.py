"""The do-not-call list: adding, removing, importing a file."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy import store
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits, mask_phone
from calling_pipeline.phones import canonical_phone, read_phone

CHUNK = 5000
_PHONE_COLUMNS = ("phone", "mobile", "mobile_phone", "手机号", "手机", "电话", "号码")
_EXPIRY_COLUMNS = ("expires", "expires_at", "expiry", "到期", "到期日")
_NOTE_COLUMNS = ("note", "remark", "reason", "备注", "原因")
_SHOWN_REJECTS = 20


@dataclass(frozen=True)
class Rejected:
    """A line that was not imported; the number masked."""

    line: int
    phone: str
    reason: str


@dataclass(frozen=True)
class Imported:
    """What an import did: lines = new + changed + unchanged (also repeats within the file) + rejected."""

    lines: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    examples: tuple[Rejected, ...]


def add(
    connection: sa.Connection, phone: str, *, source: str, expires: dt.date | None = None, note: str = "", by: str = ""
) -> bool:
    """Put one number on the list until the end of the day `expires`; True when something changed.

    Raises `InvalidInput` for a text that names no whole number and for an empty source.
    """
    number, until = canonical_phone(phone), _end_of(expires)
    before = _standing(connection, number, source.strip())
    changed = any(store.block(connection, [(number, until, note)], source=_source(source), by=by, now=days.now()))
    if changed:
        after = {"source": source.strip(), "expires_at": until.isoformat() if until else None}
        note_act(connection, "do_not_call.add", _subject(number), by=by, reason=note, before=before, after=after)
    return changed


def remove(connection: sa.Connection, phone: str, *, source: str | None = None, by: str = "", reason: str = "") -> int:
    """End the entries of one number now, of one source or of all; returns how many there were.

    They stay with their end, with `by` and with `reason`; what stood before is in `store.history`. Raises `InvalidInput`
    for a text that names no whole number.
    """
    number, now = canonical_phone(phone), days.now()
    ended = store.unblock(connection, number, source, by=by, why=mask_digits(reason.strip()), now=now)
    if ended:
        before = {"sources": ended}
        note_act(connection, "do_not_call.remove", _subject(number), by=by, reason=reason, before=before)
    return len(ended)


def import_file(
    connection: sa.Connection, path: Path, *, source: str, expires: dt.date | None = None, by: str = ""
) -> Imported:
    """Read a CSV with a column `phone` (and `expires`, `note`), or a bare list of numbers, one per line.

    Lines whose number or date is not usable are reported, the others are imported. Raises `InvalidInput` for a file that
    is not text or has no column of numbers.
    """
    lines = new = changed = 0
    rejected: list[Rejected] = []
    chunk: list[tuple[str, dt.datetime | None, str]] = []
    for line, phone, expiry, note in _rows(path):
        lines += 1
        reading = read_phone(phone)
        try:
            until = _end_of(days.parse_day(expiry, field="expires") if expiry else expires)
        except InvalidInput as error:
            rejected.append(Rejected(line, mask_phone(reading.phone), str(error)))
            continue
        if reading.phone is None:
            rejected.append(Rejected(line, mask_phone(phone.strip()[:20]), reading.kind))
            continue
        chunk.append((reading.phone, until, note))
        if len(chunk) == CHUNK:
            added, updated = store.block(connection, chunk, source=_source(source), by=by, now=days.now())
            new, changed, chunk = new + added, changed + updated, []
    added, updated = store.block(connection, chunk, source=_source(source), by=by, now=days.now())
    new, changed = new + added, changed + updated
    unchanged = lines - new - changed - len(rejected)
    if new or changed:
        after = {"source": _source(source), "file": path.name, "new": new, "changed": changed}
        note_act(connection, "do_not_call.import", f"do_not_call_source:{_source(source)}", by=by, after=after)
    return Imported(lines, new, changed, unchanged, len(rejected), tuple(rejected[:_SHOWN_REJECTS]))


def _standing(connection: sa.Connection, phone: str, source: str) -> dict[str, Any] | None:
    found = store.blocked(connection, days.now(), phone=phone, source=source, with_expired=True)
    if not found:
        return None
    return {"source": source, "expires_at": found[0].expires_at.isoformat() if found[0].expires_at else None}


def _subject(phone: str) -> str:
    return f"do_not_call:{mask_phone(phone)}"


def _rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """(line, phone, expiry, note) of the file's rows; UTF-8 with or without BOM, else GB18030."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError:
            raise InvalidInput(f"{path.name} is neither UTF-8 nor GB18030 text") from None
    rows = csv.reader(text.splitlines())
    header = next(rows, [])
    columns = [_column(header, names) for names in (_PHONE_COLUMNS, _EXPIRY_COLUMNS, _NOTE_COLUMNS)]
    if columns[0] is None:
        if header and read_phone(header[0]).kind == "not_a_number":
            raise InvalidInput(f"{path.name} has no column {_PHONE_COLUMNS[0]!r}; its first line has: {', '.join(header)}")
        columns = [0, None, None]
        if header:
            yield 1, *_cells(header, columns)
    for row in rows:
        if any(cell.strip() for cell in row):
            yield rows.line_num, *_cells(row, columns)


def _column(header: list[str], names: Iterable[str]) -> int | None:
    cleaned = [cell.strip().lower() for cell in header]
    return next((cleaned.index(name) for name in names if name in cleaned), None)


def _cells(row: list[str], columns: list[int | None]) -> tuple[str, str, str]:
    phone, expiry, note = (row[column].strip() if column is not None and column < len(row) else "" for column in columns)
    return phone, expiry, note


def _end_of(day: dt.date | None) -> dt.datetime | None:
    return None if day is None else days.day_bounds(day)[1]


def _source(source: str) -> str:
    if not source.strip():
        raise InvalidInput("the source of a do-not-call entry is empty; name who asked for it", field="source")
    return source.strip()
