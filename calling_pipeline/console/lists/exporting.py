"""A list as CSV or as an Excel sheet. Text from outside is never a formula in either."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from fastapi.responses import Response, StreamingResponse

from calling_pipeline import days, sheets
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.views import View

MOST_ROWS = 1_000_000
"""A sheet of Excel holds 1,048,576 rows."""
_BLOCK = 64 * 1024


def export(
    view: View, name: str, texts: str, form: Literal["csv", "xlsx"], columns: Sequence[Column[Any]], rows: Iterable[Any]
) -> Response:
    """The rows as a file to download; CSV is sent while it is read."""
    heads = [view.t(f"{texts}.column_{column.key}") for column in columns]
    lines = ([_value(view, column.value(row)) for column in columns] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}_{days.now():%Y%m%d_%H%M%S}.{form}"'}
    if form == "csv":
        return StreamingResponse(sheets.csv_text(heads, lines), media_type="text/csv; charset=utf-8", headers=headers)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return StreamingResponse(_sheet(name, heads, lines), media_type=kind, headers=headers)


def _sheet(name: str, heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as parts:
        book = sheets.workbook(file, folder=parts)
        moment, day = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet(sheets.sheet_name(name, ()))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, max(0, len(heads) - 1), 18)
        sheet.write_row(0, 0, heads, book.add_format({"bold": True}))
        last = 0
        for last, line in enumerate(lines, start=1):
            for place, value in enumerate(line):
                form = moment if isinstance(value, dt.datetime) else day if isinstance(value, dt.date) else None
                sheets.write_cell(sheet, last, place, value, form)
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
    return value
