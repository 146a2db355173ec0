"""The charts of a report in a language, for page, PDF and mail."""

from __future__ import annotations

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Value
from calling_pipeline.charts.records import Bars, Caption, Heat, Lines, Mark, Series
from calling_pipeline.reports import documents
from calling_pipeline.reports.records import Chart, ChartSeries

Drawing = Lines | Bars | Heat


def drawing_of(chart: Chart, language: Language) -> Drawing:
    """The chart with its names, labels and an accessible description in the language."""
    labels = [_label(value, chart, language) for value in chart.labels]
    caption = Caption(
        f"report-{chart.name.replace('_', '-')}",
        documents.chart_name(chart.name, language),
        _described(chart, labels, language),
    )
    if chart.shape == "heat":
        rows = [documents.written(_row_value(one, chart), chart.row_kind, language) for one in chart.series]
        few, many = documents.say("few", language), documents.say("many", language)
        return Heat(caption, rows, labels, [one.values for one in chart.series], few, many, language)
    if chart.shape == "bars":
        panels = sorted({one.panel for one in chart.series})
        return Bars(
            caption,
            labels,
            [[_series(one, language) for one in chart.series if one.panel == panel] for panel in panels],
            language,
        )
    marks = [Mark(one.place, one.kind, documents.word(one.kind, language)) for one in chart.marks]
    whole = all(value is None or float(value).is_integer() for one in chart.series for value in one.values)
    return Lines(
        caption,
        labels,
        [_series(one, language) for one in chart.series],
        marks,
        whole=whole,
        unit=chart.unit,
        language=language,
    )


def _series(one: ChartSeries, language: Language) -> Series:
    return Series(documents.column_name(one.name, language), one.values, one.look)


def _label(value: Value, chart: Chart, language: Language) -> str:
    written = documents.written(value, chart.label_kind, language)
    return written[5:] if chart.label_kind == "day" else written


def _row_value(one: ChartSeries, chart: Chart) -> Value:
    return int(one.name) if chart.row_kind in ("weekday", "hour", "whole") else one.name


def _described(chart: Chart, labels: list[str], language: Language) -> str:
    known = [value for one in chart.series if one.look != "mean" for value in one.values if value is not None]
    if not known or not labels:
        return documents.say("nothing_drawn", language)
    return documents.say(
        "drawn",
        language,
        first=labels[0],
        last=labels[-1],
        least=f"{min(known):,.6g}",
        most=f"{max(known):,.6g}",
    )
