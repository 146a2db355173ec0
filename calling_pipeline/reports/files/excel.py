"""A report as an Excel workbook: a sheet for each section with typed cells and real charts, the same bytes twice."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from calling_pipeline import sheets
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Column, Kind, Table, Value
from calling_pipeline.reports import documents
from calling_pipeline.reports.files.excel_charts import ChartNumbers
from calling_pipeline.reports.records import Report, Section

FORMATS: Mapping[Kind, str] = {
    "whole": "#,##0",
    "number": "#,##0.00",
    "yuan": "#,##0.00",
    "percent": "0.00%",
    "day": "yyyy-mm-dd",
    "month": "yyyy-mm",
    "moment": "yyyy-mm-dd hh:mm:ss",
    "seconds": "[h]:mm:ss",
    "hour": '00":00"',
    "text": "@",
}
_WIDTHS: Mapping[Kind, int] = {"text": 26, "moment": 19, "word": 16}
_CHARTS_FROM = 6
_DAY_S = 86_400


@dataclass(frozen=True)
class Raw:
    """Rows to follow the report on sheets of their own, read while they are written."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]


class _Book:
    """The workbook with its formats, each made once."""

    def __init__(self, book: Any, language: Language) -> None:
        self.book, self.language = book, language
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.soft = book.add_format({"font_color": "#555D6E"})
        self._forms: dict[Kind, Any] = {}
        self._names: list[str] = [documents.say("chart_numbers", language)]
        self.numbers = ChartNumbers(book, self._names[0], language)

    def sheet(self, wanted: str) -> Any:
        """A new sheet with a legal name that is not taken."""
        name = sheets.sheet_name(wanted, self._names)
        self._names.append(name)
        return self._added(name)

    def number_sheet(self) -> Any:
        """The sheet of the numbers of charts, whose name is reserved."""
        return self._added(self._names[0])

    def _added(self, name: str) -> Any:
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def form(self, kind: Kind) -> Any:
        """The format of a kind; None for what needs none."""
        if kind in FORMATS and kind not in self._forms:
            self._forms[kind] = self.book.add_format({"num_format": FORMATS[kind]})
        return self._forms.get(kind)

    def put(self, sheet: Any, row: int, place: int, value: Value, kind: Kind) -> None:
        """One cell as the kind is written in a sheet: numbers stay numbers, words are those of the language."""
        sheets.write_cell(sheet, row, place, typed(value, kind, self.language), self.form(kind))


def typed(value: Value, kind: Kind, language: Language) -> Any:
    """A value as its cell holds it: a percentage as a fraction, a duration in days, one of our words in the language."""
    if value is None:
        return None
    if kind in ("word", "weekday"):
        return documents.written(value, kind, language)
    if isinstance(value, str) or kind not in ("percent", "seconds"):
        return value
    return float(value) / (100 if kind == "percent" else _DAY_S)  # type: ignore[arg-type]  # such a kind is a number


def write_excel(report: Report, language: Language, to: BinaryIO, *, raw: Raw | None = None) -> None:
    """Write the report; `raw` rows follow on sheets of their own, as many as they need."""
    with tempfile.TemporaryDirectory(prefix="calling-sheets-") as folder:
        book = sheets.workbook(to, created=report.made_at, folder=folder)
        book.set_properties(
            {
                "title": documents.title(report, language),
                "author": "calling_pipeline",
                "created": sheets.local(report.made_at),
                "comments": documents.say("code", language, code=report.control_code),
            }
        )
        made = _Book(book, language)
        for section in report.sections:
            _section(made, section, report)
        if made.numbers.any:
            made.numbers.write(made.number_sheet())
        if raw is not None:
            _raw(made, raw)
        book.close()


def write_raw(raw: Raw, language: Language, to: BinaryIO, *, title: str, created: dt.datetime, folder: str) -> None:
    """Write rows alone, on as many sheets as they need. `folder`: where parts of it lie until it is done."""
    book = sheets.workbook(to, created=created, folder=folder)
    book.set_properties({"title": title, "author": "calling_pipeline", "created": sheets.local(created)})
    _raw(_Book(book, language), raw)
    book.close()


def _section(made: _Book, section: Section, report: Report) -> None:
    language = made.language
    sheet = made.sheet(documents.section_name(section.name, language))
    widths: dict[int, int] = {0: 22}
    sheet.write_string(
        0, 0, f"{documents.section_name(section.name, language)} · {documents.title(report, language)}", made.title
    )
    code = documents.say("code", language, code=report.control_code)
    sheet.write_string(1, 0, f"{documents.section_about(section.name, language)} {code}", made.soft)
    row = 3
    notes = section.notes if section.name != "summary" else (*report.partial, *section.notes)
    for note in notes:
        sheet.write_string(row, 0, sheets.cell_text(documents.note_said(note, language)), made.soft)
        row += 1
    row = _figures(made, sheet, row, section, report)
    for place, table in enumerate(section.tables):
        row = _table(made, sheet, row + 1, table, widths, alone=place == 0 and len(section.tables) == 1)
    for place, width in widths.items():
        sheet.set_column(place, place, width)
    for number, chart in enumerate(section.charts):
        columns = max((len(table.columns) for table in section.tables), default=4)
        made.numbers.add(sheet, chart, number, max(columns + 1, _CHARTS_FROM))


def _figures(made: _Book, sheet: Any, row: int, section: Section, report: Report) -> int:
    language = made.language
    totals = report.control.items() if section.name == "proof" else ()
    if not section.figures and not totals:
        return row
    heads = [documents.say(name, language) for name in ("figure", "value", "value_before", "value_low", "value_high")]
    for place, head in enumerate(heads):
        sheet.write_string(row, place, head, made.head)
    for one in section.figures:
        row += 1
        sheet.write_string(row, 0, documents.figure_name(one.name, language))
        for place, value in enumerate((one.value, one.before, one.low, one.high), start=1):
            made.put(sheet, row, place, value, one.kind)
    for name, total in totals:
        row += 1
        sheet.write_string(row, 0, documents.control_name(name, language))
        made.put(sheet, row, 1, total, "whole")
    if totals:
        row += 1
        sheet.write_string(row, 0, documents.say("code", language, code="").strip())
        sheet.write_string(row, 1, report.control_code)
    return row + 2


def _table(made: _Book, sheet: Any, row: int, table: Table, widths: dict[int, int], *, alone: bool) -> int:
    """The table from `row` on; returns the row after it. One alone on its sheet has its head frozen."""
    language = made.language
    sheet.write_string(row, 0, documents.table_name(table.name, language), made.title)
    head = row + 1
    for place, column in enumerate(table.columns):
        sheet.write_string(head, place, documents.column_name(column.name, language), made.head)
        widths[place] = max(widths.get(place, 0), _WIDTHS.get(column.kind, 13))
    row = head
    for line in table.rows:
        row += 1
        for place, (value, column) in enumerate(zip(line, table.columns, strict=True)):
            made.put(sheet, row, place, value, column.kind)
    if alone:
        sheet.freeze_panes(head + 1, 1)
        sheet.repeat_rows(head)
        sheet.autofilter(head, 0, row, len(table.columns) - 1)
    if table.cut:
        row += 1
        sheet.write_string(row, 0, documents.cut_said(len(table.rows), table.total_rows, language), made.soft)
    return row + 2


def _raw(made: _Book, raw: Raw) -> None:
    """The rows as they come; a sheet that is full is followed by another."""
    row, sheet = 0, _raw_sheet(made, raw)
    forms = [made.form(column.kind) for column in raw.columns]
    kinds = [column.kind for column in raw.columns]
    for line in raw.rows:
        if row >= sheets.MOST_ROWS - 1:
            row, sheet = 0, _raw_sheet(made, raw)
        row += 1
        for place, value in enumerate(line):
            if value is not None:
                sheets.write_cell(sheet, row, place, typed(value, kinds[place], made.language), forms[place])


def _raw_sheet(made: _Book, raw: Raw) -> Any:
    sheet = made.sheet(documents.table_name(raw.name, made.language))
    for place, column in enumerate(raw.columns):
        sheet.set_column(place, place, _WIDTHS.get(column.kind, 13))
        sheet.write_string(0, place, documents.column_name(column.name, made.language), made.head)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, sheets.MOST_ROWS - 1, len(raw.columns) - 1)
    return sheet
