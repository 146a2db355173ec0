"""A report as workbook and as CSV: types, charts, totals, and no text that becomes anything else."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline import sheets
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Column
from calling_pipeline.reports.files.csv import csv_of
from calling_pipeline.reports.files.excel import Raw, write_excel
from calling_pipeline.reports.records import Report
from calling_pipeline_tests.reports.samples import HOSTILE, sample


def written(report: Report, language: Language = "zh", raw: Raw | None = None) -> bytes:
    buffer = io.BytesIO()
    write_excel(report, language, buffer, raw=raw)
    return buffer.getvalue()


def unpacked(document: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def test_cells_have_types_heads_stay_and_each_section_has_a_sheet() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(sample(), "en")))
    trend = book["Trend"]
    head = next(row for row in trend.iter_rows() if row[0].value == "Day")
    first = trend[head[0].row + 1]

    assert book.sheetnames == ["Summary", "Trend", "Both tracks", "Proof", "Chart numbers"]
    assert trend.freeze_panes == f"B{head[0].row + 1}"
    assert trend.auto_filter.ref == f"A{head[0].row}:C{head[0].row + 28}"
    assert first[0].value == dt.datetime.fromisoformat("2026-10-31")
    assert (first[1].value, first[1].number_format) == (1900, "#,##0")
    assert (first[2].value, first[2].number_format) == (0.35, "0.00%")
    talk = [cell for row in book["Both tracks"].iter_rows() for cell in row if cell.number_format == "[h]:mm:ss"]
    assert talk[0].value == dt.timedelta(seconds=65_432)
    assert book.properties.created == dt.datetime.fromisoformat("2026-11-28T08:30")


def test_the_trend_and_the_hours_are_charts_of_excel_over_their_numbers() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(sample(), "en")))
    charts = book["Trend"]._charts

    assert [type(chart).__name__ for chart in charts] == ["LineChart", "LineChart", "BarChart"]
    assert charts[0].series[0].val.numRef.f == "'Chart numbers'!$B$3:$B$30"
    numbers = [row[0].value for row in book["Chart numbers"]["B3:B30"]]
    assert (numbers[0], numbers[9]) == (1900, None)


def test_the_control_code_is_the_same_on_sheet_and_csv_and_the_totals_too() -> None:
    report = sample("weekly", partial=True)
    proof = [[cell.value for cell in row[:2]] for row in openpyxl.load_workbook(io.BytesIO(written(report, "en")))["Proof"]]
    control = list(csv.reader(io.StringIO(unpacked(csv_of(report, "en"))["control.csv"])))

    assert ["Control code", report.control_code] in proof
    assert ["Control code", report.control_code] in control
    assert ["Orders", report.control["orders"]] in proof
    assert ["Orders", str(report.control["orders"])] in control
    assert ["1 days are not complete by call record: 2026-11-27."] in control


def test_the_same_report_is_the_same_bytes() -> None:
    assert written(sample()) == written(sample())
    assert csv_of(sample(), "zh") == csv_of(sample(), "zh")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_texts_from_outside_are_texts_and_never_formulas_or_links(language: Language) -> None:
    document = written(sample(names=HOSTILE, rows=len(HOSTILE)), language)

    parts = unpacked(document)
    cells = [cell for sheet in openpyxl.load_workbook(io.BytesIO(document)) for row in sheet.iter_rows() for cell in row]

    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert not [cell.value for cell in cells if cell.hyperlink]
    assert not [name for name, text in parts.items() if "externalLink" in name or "<f>" in text.replace("<c:f>", "")]
    assert '=HYPERLINK("http://evil.example","x")' in [cell.value for cell in cells]


def test_no_cell_of_a_csv_is_calculated_by_a_sheet() -> None:
    parts = unpacked(csv_of(sample(names=HOSTILE, rows=len(HOSTILE)), "zh"))
    cells = [cell for text in parts.values() for row in csv.reader(io.StringIO(text, newline="")) for cell in row]

    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r", "\n"))]
    assert "'-1" in cells
    assert "\x00" not in "".join(cells)


@settings(max_examples=60, deadline=None)
@given(wanted=st.lists(st.text(st.characters(exclude_categories=[]), max_size=40), max_size=6))
def test_names_of_sheets_are_legal_and_differ(wanted: list[str]) -> None:
    taken: list[str] = []
    for one in [*wanted, *wanted, "History", "history", "a/b", "a" * 31, "a" * 40]:
        taken.append(sheets.sheet_name(one, taken))

    assert len({name.casefold() for name in taken}) == len(taken)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") and name[0] != "'" for name in taken)
    assert "history" not in {name.casefold() for name in taken}


def test_raw_rows_follow_and_go_on_in_the_next_sheet_when_one_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 101)
    raw = Raw("days", (Column("orders", "whole"), Column("task_name", "text")), _rows(250))

    book = openpyxl.load_workbook(io.BytesIO(written(sample(), "en", raw)))

    added = book.sheetnames[5:]
    assert [book[name].max_row for name in added] == [101, 101, 51]
    assert [book[name]["A2"].value for name in added] == [0, 100, 200]
    assert {book[name]["A1"].value for name in added} == {"Orders"}


def _rows(count: int) -> Iterator[tuple[int, str]]:
    for place in range(count):
        yield place, f"=task {place}"
