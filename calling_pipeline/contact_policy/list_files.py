"""Importing a file into the do-not-call list: what each line says, and what became of it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy import store
from calling_pipeline.contact_policy.do_not_call import end_of, named
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_phone
from calling_pipeline.phones import read_phone

CHUNK = 5000
_PHONE_COLUMNS = ("phone", "mobile", "mobile_phone", "手机号", "手机", "电话", "号码")
_EXPIRY_COLUMNS = ("expires", "expires_at", "expiry", "到期", "到期日")
_NOTE_COLUMNS = ("note", "remark", "reason", "备注", "原因")
SHOWN = 20
Taken = Literal["new", "changed", "unchanged", "repeated"]


@dataclass(frozen=True)
class Rejected:
    """A line that was not imported; the number masked."""

    line: int
    phone: str
    reason: str


@dataclass(frozen=True)
class TakenLine:
    """A line that was read; the number masked. `repeated`: another line of the file decides about its number."""

    line: int
    phone: str
    verdict: Taken


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do: lines = new + changed + unchanged + rejected.

    `repeated` are those of the unchanged whose number stands on another line of the file too. `examples` and `taken` are the
    first lines of both kinds.
    """

    lines: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    examples: tuple[Rejected, ...]
    repeated: int = 0
    taken: tuple[TakenLine, ...] = ()
    dry_run: bool = False


@dataclass
class _Read:
    """What a file says. `wanted`: by number, the line that decides (the longest prohibition), until when, and the note."""

    lines: int = 0
    wanted: dict[str, tuple[int, dt.datetime | None, str]] = field(default_factory=dict)
    first: list[tuple[int, str]] = field(default_factory=list)
    rejected: int = 0
    examples: list[Rejected] = field(default_factory=list)


def import_file(
    connection: sa.Connection,
    path: Path,
    *,
    source: str,
    expires: dt.date | None = None,
    by: str = "",
    dry_run: bool = False,
    shown: int = SHOWN,
) -> Imported:
    """Read a CSV with a column `phone` (and `expires`, `note`), or a bare list of numbers, one per line.

    Lines whose number or date is not usable are reported, the others are imported; of a number on several lines the longest
    prohibition. `dry_run`: nothing is changed. `shown`: how many lines of both kinds the answer names. Raises `InvalidInput`
    for a file that is not text or has no column of numbers, and for a source that is none.
    """
    whose, now = named(source), days.now()
    read = _read(path, expires, shown)
    became: dict[str, bool] = {}
    entries = ((phone, until, note) for phone, (_, until, note) in read.wanted.items())
    while chunk := list(islice(entries, CHUNK)):
        became |= store.block(connection, chunk, source=whose, by=by, now=now, dry_run=dry_run)
    new = sum(became.values())
    changed = len(became) - new
    if became and not dry_run:
        after = {"source": whose, "file": path.name, "new": new, "changed": changed}
        note_act(connection, "do_not_call.import", f"do_not_call_source:{whose}", by=by, after=after)
    return Imported(
        lines=read.lines,
        new=new,
        changed=changed,
        unchanged=read.lines - new - changed - read.rejected,
        rejected=read.rejected,
        examples=tuple(read.examples),
        repeated=read.lines - read.rejected - len(read.wanted),
        taken=tuple(TakenLine(line, mask_phone(phone), _verdict(read, became, line, phone)) for line, phone in read.first),
        dry_run=dry_run,
    )


def _verdict(read: _Read, became: dict[str, bool], line: int, phone: str) -> Taken:
    if read.wanted[phone][0] != line:
        return "repeated"
    return "unchanged" if phone not in became else "new" if became[phone] else "changed"


def _read(path: Path, expires: dt.date | None, shown: int) -> _Read:
    read, last = _Read(), end_of(expires)
    for line, phone, expiry, note in _rows(path):
        read.lines += 1
        reading = read_phone(phone)
        until, wrong = last, ""
        if expiry:
            try:
                until = end_of(days.parse_day(expiry, field="expires"))
            except InvalidInput as error:
                wrong = str(error)
        if reading.phone is None or wrong:
            read.rejected += 1
            if len(read.examples) < shown:
                number = mask_phone(reading.phone or phone.strip()[:20])
                read.examples.append(Rejected(line, number, wrong or reading.kind))
            continue
        if len(read.first) < shown:
            read.first.append((line, reading.phone))
        before = read.wanted.get(reading.phone)
        if before is None or _longer(until, before[1]):
            read.wanted[reading.phone] = (line, until, note)
    return read


def _longer(until: dt.datetime | None, before: dt.datetime | None) -> bool:
    return before is not None and (until is None or until > before)


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
