"""Charts of a report as charts of Excel, over numbers on a sheet of their own; a heat chart is cells in colours there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from calling_pipeline import sheets
from calling_pipeline.access.people.records import Language
from calling_pipeline.charts.drawing import COLOURS
from calling_pipeline.reports import documents
from calling_pipeline.reports.files.charts import alt_of
from calling_pipeline.reports.records import Chart, ChartSeries

ROWS = 17
"""Rows of a sheet from one chart to the next."""


class ChartNumbers:
    """The numbers of all charts of a book, one block below the other, on the sheet `name`."""

    def __init__(self, book: Any, name: str, language: Language) -> None:
        self._book, self._name, self._language = book, name, language
        self._day = book.add_format({"num_format": "mm-dd"})
        self._bold = book.add_format({"bold": True})
        self._blocks: list[tuple[int, Chart]] = []
        self._next = 0

    @property
    def any(self) -> bool:
        """Whether there is something to write."""
        return bool(self._blocks)

    def add(self, sheet: Any, chart: Chart, place: int, column: int) -> None:
        """Draw the chart on `sheet`, the `place`-th from above, beginning at `column`; its numbers are written later."""
        start = self._next
        self._blocks.append((start, chart))
        wide = chart.shape == "heat"
        self._next += 3 + (len(chart.series) if wide else len(chart.labels)) + 1
        if wide or not chart.labels or not chart.series:
            return
        drawn = self._drawn(chart, start)
        where = {"object_position": 2, "description": sheets.cell_text(alt_of(chart, self._language))}
        sheet.insert_chart(3 + place * ROWS, column, drawn, where)

    def write(self, sheet: Any) -> None:
        """The numbers, row by row."""
        for start, chart in self._blocks:
            sheet.write_string(start, 0, documents.chart_name(chart.name, self._language), self._bold)
            if chart.shape == "heat":
                self._write_heat(sheet, start, chart)
            else:
                self._write_series(sheet, start, chart)
        sheet.set_column(0, 0, 18)

    def _drawn(self, chart: Chart, start: int) -> Any:
        drawn = self._book.add_chart({"type": "line" if chart.shape == "lines" else "column"})
        first, last = start + 2, start + 1 + len(chart.labels)
        for place, one in enumerate(chart.series, start=1):
            line = {"color": COLOURS[one.look], "width": 1.75, **({"dash_type": "dash"} if one.look == "mean" else {})}
            drawn.add_series(
                {
                    "name": [self._name, start + 1, place],
                    "categories": [self._name, first, 0, last, 0],
                    "values": [self._name, first, place, last, place],
                    "y2_axis": chart.shape == "bars" and one.panel > 0,
                    **({"line": line} if chart.shape == "lines" else {"fill": {"color": COLOURS[one.look]}}),
                }
            )
        drawn.set_title({"name": documents.chart_name(chart.name, self._language), "name_font": {"size": 12}})
        drawn.set_x_axis({"num_format": "mm-dd"} if chart.label_kind == "day" else {})
        drawn.set_y_axis({"min": 0, "major_gridlines": {"visible": True, "line": {"color": "#D5D9E2"}}})
        drawn.set_legend({"position": "bottom"})
        drawn.set_size({"width": 620, "height": 320})
        drawn.show_na_as_empty_cell()
        return drawn

    def _write_series(self, sheet: Any, start: int, chart: Chart) -> None:
        for place, one in enumerate(chart.series, start=1):
            sheet.write_string(start + 1, place, documents.column_name(one.name, self._language))
        for number, label in enumerate(chart.labels):
            row = start + 2 + number
            if isinstance(label, dt.date):
                sheets.write_cell(sheet, row, 0, label, self._day)
            else:
                sheets.write_cell(sheet, row, 0, documents.written(label, chart.label_kind, self._language))
            for place, one in enumerate(chart.series, start=1):
                sheets.write_cell(sheet, row, place, one.values[number])

    def _write_heat(self, sheet: Any, start: int, chart: Chart) -> None:
        for place, label in enumerate(chart.labels, start=1):
            sheets.write_cell(sheet, start + 1, place, documents.written(label, chart.label_kind, self._language))
        for number, one in enumerate(chart.series):
            row = start + 2 + number
            sheets.write_cell(sheet, row, 0, self._row_name(one, chart))
            for place, value in enumerate(one.values, start=1):
                sheets.write_cell(sheet, row, place, value)
        if chart.series and chart.labels:
            scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": COLOURS["first"]}
            sheet.conditional_format(start + 2, 1, start + 1 + len(chart.series), len(chart.labels), scale)

    def _row_name(self, one: ChartSeries, chart: Chart) -> str:
        value = int(one.name) if chart.row_kind in ("weekday", "hour", "whole") else one.name
        return documents.written(value, chart.row_kind, self._language)
