"""Tables as files that a spreadsheet opens: CSV and Excel. No text is ever a formula, a link or a number there."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import xlsxwriter

from calling_pipeline import days
from calling_pipeline.xml_text import xml_text

MOST_ROWS = 1_048_576
"""Rows of one sheet of Excel, its head included."""
LONGEST_TEXT = 32_767
"""Characters of one cell of Excel."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_A_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_BLOCK = 64 * 1024
_EPOCH, _DAY = dt.datetime.combine(dt.date(1899, 12, 30), dt.time()), dt.timedelta(days=1)
"""From where Excel counts days."""
_CREATED = dt.datetime.combine(dt.date(2000, 1, 1), dt.time())


def plain(value: Any) -> Any:
    """A value as a file of text holds it: a moment in Shanghai's time, a text that a sheet would calculate quoted."""
    if isinstance(value, str):
        value = _writable(value)
        return f"'{value}" if value.startswith(_FORMULA) else value
    return local(value) if isinstance(value, dt.datetime) else value


def local(moment: dt.datetime) -> dt.datetime:
    """A moment as Shanghai's clock shows it, to the second and without a zone."""
    return (moment.astimezone(days.SHANGHAI) if moment.tzinfo else moment).replace(tzinfo=None, microsecond=0)


def cell_text(text: str) -> str:
    """The text as a cell of Excel can hold it: what XML cannot hold is replaced, what is too long is cut."""
    shown = xml_text(text)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[: LONGEST_TEXT - 1]}…"


def csv_text(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The rows as CSV in blocks, with the mark by which Excel knows UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield "\ufeff"
    writer.writerow([plain(head) for head in heads])
    for line in lines:
        writer.writerow([plain(value) for value in line])
        if buffer.tell() >= _BLOCK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def workbook(to: BinaryIO | str, *, created: dt.datetime = _CREATED, folder: str | None = None) -> xlsxwriter.Workbook:
    """A book that is written row by row in constant memory; the same rows make the same bytes.

    `folder`: where its parts lie until it is closed, readable by this user alone.
    """
    book = xlsxwriter.Workbook(
        to,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm:ss",
            "nan_inf_to_errors": True,
            "tmpdir": folder,
            "use_zip64": True,
        },
    )
    book.set_properties({"created": local(created), "author": "calling_pipeline"})
    return book


def sheet_name(wanted: str, taken: Sequence[str]) -> str:
    """A legal name for a sheet, at most 31 characters, that no other of the book has whatever its case."""
    base = _NOT_A_NAME.sub(" ", xml_text(wanted)).strip(" '")[:31] or "Sheet"
    base = f"{base} 1" if base.casefold() == "history" else base
    known, name, number = {one.casefold() for one in taken}, base, 1
    while name.casefold() in known:
        number += 1
        name = f"{base[: 30 - len(str(number))]} {number}"
    return name


def write_cell(sheet: Any, row: int, place: int, value: Any, form: Any = None) -> None:
    """One cell by its type: a text is written as a text, whatever it looks like."""
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, place, cell_text(value), form)
    elif isinstance(value, dt.datetime):
        sheet.write_number(row, place, (local(value) - _EPOCH) / _DAY, form)
    elif isinstance(value, dt.date):
        sheet.write_number(row, place, (value - _EPOCH.date()).days, form)
    elif isinstance(value, bool):
        sheet.write_boolean(row, place, value, form)
    elif math.isfinite(value):
        sheet.write_number(row, place, value, form)


def _writable(text: str) -> str:
    """Half a character, which UTF-8 cannot hold, replaced; NUL too."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
