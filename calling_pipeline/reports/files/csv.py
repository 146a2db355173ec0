"""A report as CSV: a zip archive with a file for each table, the figures and the control totals; the same bytes twice."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from calling_pipeline import sheets
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Kind, Table, Value
from calling_pipeline.reports import documents
from calling_pipeline.reports.records import Report

_MADE = (1980, 1, 1, 0, 0, 0)
"""The time that a zip archive has when it has none."""


def csv_of(report: Report, language: Language) -> bytes:
    """The archive: `SECTION_figures.csv`, a file for each table, `control.csv`.

    A table is in `SECTION_TABLE.csv`, and in `SECTION.csv` when it is called as its section.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, heads, lines in _files(report, language):
            entry = zipfile.ZipInfo(f"{name}.csv", _MADE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, "".join(sheets.csv_text(heads, lines)).encode())
    return buffer.getvalue()


def _files(report: Report, language: Language) -> Iterator[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]:
    heads = [documents.say(name, language) for name in ("figure", "value", "value_before", "value_low", "value_high")]
    for section in report.sections:
        if section.figures:
            lines = (
                [documents.figure_name(one.name, language)]
                + [_value(value, one.kind, language) for value in (one.value, one.before, one.low, one.high)]
                for one in section.figures
            )
            yield f"{section.name}_figures", heads, lines
        for table in section.tables:
            name = table.name if table.name == section.name else f"{section.name}_{table.name}"
            yield name, [documents.column_name(one.name, language) for one in table.columns], _lines(table, language)
    totals = [[documents.control_name(name, language), total] for name, total in report.control.items()]
    code = [documents.say("code", language, code="").strip(), report.control_code]
    notes = [[documents.note_said(one, language)] for one in report.partial]
    yield "control", [documents.title(report, language), ""], [*totals, code, *notes]


def _lines(table: Table, language: Language) -> Iterator[Sequence[Any]]:
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        yield [_value(value, kind, language) for value, kind in zip(row, kinds, strict=True)]
    if table.cut:
        yield [documents.cut_said(len(table.rows), table.total_rows, language)]


def _value(value: Value, kind: Kind, language: Language) -> Any:
    """Numbers as they are, our own words in the language."""
    return documents.written(value, kind, language) if value is not None and kind in ("word", "weekday") else value
