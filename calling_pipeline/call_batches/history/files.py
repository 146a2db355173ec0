"""Reading a call history from a file: CSV, JSON lines or a bare list of numbers, in UTF-8 or GB18030."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from calling_pipeline import days
from calling_pipeline.call_batches.history.columns import NAMES, find_columns
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.errors import InvalidInput
from calling_pipeline.phones import read_phone
from calling_pipeline.text_encoding import encoding_of

_BLOCK = 1 << 20
_DELIMITERS = ",;\t|"
_WHOLE = re.compile(r"\s*(\d{1,9})(?:\.0*)?\s*")
_SPOKEN = re.compile(r"\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*")
_LONGEST_ROW = 20
"""Lines of a file over which one row may reach: texts with line breaks are no longer."""


def read_file(path: Path) -> Iterator[HistoryRow]:
    """The rows of a file, one by one; a line that cannot be read is one of them, and says so.

    A file whose first sign is `{` is JSON lines, any other CSV with a header; one without a column of numbers must begin
    with a number. Raises `InvalidInput` for a file that is no text or has no numbers, and where a quotation
    mark that is not closed would swallow rows.
    """
    try:
        with path.open(encoding=encoding_of(path), newline="") as file:
            start = file.read(_BLOCK).lstrip()
            file.seek(0)
            yield from _json_lines(file) if start[:1] == "{" else _csv_rows(file, path.name)
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name} is neither UTF-8 nor GB18030 text") from None


def _csv_rows(file: TextIO, name: str) -> Iterator[HistoryRow]:
    header_line = file.readline()
    file.seek(0)
    rows = csv.reader(file, delimiter=max(_DELIMITERS, key=header_line.count), strict=True)
    header = next(rows, [])
    columns = find_columns(header)
    if "phone" in columns:
        places = {field: header.index(column) for field, column in columns.items()}
    elif header and read_phone(header[0]).phone is not None:
        places = {"phone": 0}
        yield _row({"phone": header[0]}, 1)
    else:
        said = ", ".join(header)[:200]
        raise InvalidInput(
            f"{name} has no column of numbers; call it {NAMES['phone'][0]!r}. Its first line has: {said or 'nothing'}"
        )
    yield from _of_places(rows, places, name)


def _of_places(rows: Any, places: Mapping[str, int], name: str) -> Iterator[HistoryRow]:
    """The rows of a CSV; one that ends before its number is read as a blank number, a broken one is counted."""
    fields = tuple(places.items())
    last = rows.line_num
    while True:
        row: Sequence[str] | None = None
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            pass
        begun, last = last + 1, rows.line_num
        if last - begun > (_LONGEST_ROW if row else 0):
            raise InvalidInput(f"{name}, line {begun}: a quotation mark is not closed before line {last}")
        if row is None:
            yield HistoryRow("", line=last, unread=True)
        elif any(row):
            width = len(row)
            yield _row({field: row[place] for field, place in fields if place < width}, last)


def _json_lines(file: TextIO) -> Iterator[HistoryRow]:
    columns: dict[tuple[str, ...], dict[str, str]] = {}
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            yield HistoryRow("", line=number, unread=True)
            continue
        keys = tuple(document)
        if keys not in columns:
            columns[keys] = find_columns(keys)
        yield _row({field: _text(document[name]) for field, name in columns[keys].items()}, number)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(cells: Mapping[str, str], line: int) -> HistoryRow:
    """A row of a file as a row of a history; what is odd in it is its remark."""
    get = cells.get
    last, unread = _moment(get("last_called_at", ""))
    updated, _ = _moment(get("updated_time", ""))
    first, _ = _moment(get("first_called_at", ""))
    calls, odd = _whole_number(get("calls", ""))
    remark = "time_unread" if unread else "calls_unread" if odd else ""
    orders, _ = _whole_number(get("order_nums", ""))
    return HistoryRow(
        get("phone", ""),
        last,
        first,
        calls,
        _clean(get("staff_name")),
        _clean(get("sys_name")),
        _clean(get("order_type")),
        orders,
        updated,
        line,
        remark,
    )


def _clean(text: str | None) -> str | None:
    return (text.strip() or None) if text else None


def _whole_number(text: str) -> tuple[int | None, bool]:
    """A whole number, and whether the text is something else."""
    if not text:
        return None, False
    found = _WHOLE.fullmatch(text)
    return (int(found[1]), False) if found else (None, bool(text.strip()))


def _moment(text: str) -> tuple[dt.datetime | None, bool]:
    """An instant in one of the usual forms, and whether the text is something else; without a zone it is Shanghai's."""
    if not text:
        return None, False
    if text.isdecimal():
        return _odd_moment(text)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return _odd_moment(text.strip())
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=days.SHANGHAI)), False


def _odd_moment(text: str) -> tuple[dt.datetime | None, bool]:
    if not text or text.lower() in ("null", "none", "nan", "nat", r"\n"):
        return None, False
    readers: tuple[Callable[[str], dt.datetime | None], ...] = (_spoken, _of_digits)
    for read in readers:
        try:
            moment = read(text)
        except (ValueError, OverflowError):
            moment = None
        if moment is not None:
            return moment, False
    return None, True


def _spoken(text: str) -> dt.datetime | None:
    found = _SPOKEN.fullmatch(text)
    return dt.datetime(*(int(part or 0) for part in found.groups()), tzinfo=days.SHANGHAI) if found else None  # type: ignore[misc,arg-type]


def _of_digits(text: str) -> dt.datetime | None:
    """`20261130` with or without `083000`, or the seconds or milliseconds since 1970."""
    if not text.isdecimal():
        return None
    form = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}.get(len(text))
    if form:
        return dt.datetime.strptime(text, form).replace(tzinfo=days.SHANGHAI)
    scale = {10: 1, 13: 1000}.get(len(text))
    return dt.datetime.fromtimestamp(int(text) / scale, days.SHANGHAI) if scale else None
