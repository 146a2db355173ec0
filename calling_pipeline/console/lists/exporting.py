"""A list as CSV or as an Excel sheet. Text from outside is never a formula in either."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import xlsxwriter
from fastapi.responses import Response, StreamingResponse

from calling_pipeline import days
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.views import View

MOST_ROWS = 1_000_000
"""A sheet of Excel holds 1,048,576 rows."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BLOCK = 64 * 1024


def export(
    view: View, name: str, texts: str, form: Literal["csv", "xlsx"], columns: Sequence[Column[Any]], rows: Iterable[Any]
) -> Response:
    """The rows as a file to download; CSV is sent while it is read."""
    heads = [view.t(f"{texts}.column_{column.key}") for column in columns]
    lines = ([_value(view, column.value(row)) for column in columns] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}_{days.now():%Y%m%d_%H%M%S}.{form}"'}
    if form == "csv":
        return StreamingResponse(_csv(heads, lines), media_type="text/csv; charset=utf-8", headers=headers)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return StreamingResponse(_sheet(name, heads, lines), media_type=kind, headers=headers)


def _csv(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[str]:
    """UTF-8 with the mark by which Excel knows it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield "\ufeff"
    writer.writerow(heads)
    for line in lines:
        writer.writerow([_harmless(value) for value in line])
        if buffer.tell() >= _BLOCK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _sheet(name: str, heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd hh:mm:ss",
                "nan_inf_to_errors": True,
            },
        )
        sheet = book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, max(0, len(heads) - 1), 18)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, heads, book.add_format({"bold": True}))
        last = 0
        for last, line in enumerate(lines, start=1):
            for place, value in enumerate(line):
                if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
                    sheet.write_datetime(last, place, dt.datetime.combine(value, dt.time()), day)
                elif value is not None:
                    sheet.write(last, place, value)
        sheet.autofilter(0, 0, last, max(0, len(heads) - 1))
        book.close()
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block


def _value(view: View, value: Any) -> Any:
    if isinstance(value, Link):
        value = value.text
    if isinstance(value, State):
        return view.t(value.key)
    if isinstance(value, Sentence):
        return view.renderer.catalogue.say(value.text, view.language)
    if isinstance(value, dt.datetime):
        return value.astimezone(days.SHANGHAI).replace(tzinfo=None)
    return value


def _harmless(value: Any) -> Any:
    """A text that a sheet would calculate gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
