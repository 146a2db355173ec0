"""A report as a page shows it: every name and value in words of a language, the drawings as SVG. Templates only loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Column, Figure, Kind, Note, Table, Value
from calling_pipeline.charts.bars import bars
from calling_pipeline.charts.heat import heat
from calling_pipeline.charts.lines import lines
from calling_pipeline.charts.records import Bars, Lines
from calling_pipeline.reports import documents
from calling_pipeline.reports.drawings import Drawing, drawing_of
from calling_pipeline.reports.records import Change, Report, Section

NUMBERS: frozenset[Kind] = frozenset({"whole", "number", "percent", "yuan", "hour", "seconds"})


@dataclass(frozen=True)
class ShownNote:
    """A sentence, a warning or not."""

    name: str
    sentence: str
    warning: bool


@dataclass(frozen=True)
class ShownFigure:
    """A figure in words: `difference` to the compared period, which was `before`; `interval` of 95 %. Empty where none."""

    name: str
    label: str
    value: str
    difference: str
    before: str
    interval: str


@dataclass(frozen=True)
class Head:
    """The head of a column; `look` of its cells: a number, what stays on one line, or text."""

    text: str
    look: Literal["number", "keep", "text"]


@dataclass(frozen=True)
class ShownTable:
    """A table in words; `cut` says that it is not whole, and is empty when it is."""

    name: str
    caption: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[str]]
    cut: str


@dataclass(frozen=True)
class ShownChart:
    """A drawing."""

    name: str
    svg: Markup


@dataclass(frozen=True)
class ShownSection:
    """One part of the report."""

    name: str
    title: str
    about: str
    notes: Sequence[ShownNote]
    figures: Sequence[ShownFigure]
    charts: Sequence[ShownChart]
    tables: Sequence[ShownTable]


@dataclass(frozen=True)
class ShownReport:
    """The whole report."""

    title: str
    partial: Sequence[ShownNote]
    control: Sequence[tuple[str, str, str]]
    control_code: str
    sections: Sequence[ShownSection]


@dataclass(frozen=True)
class ShownChange:
    """A number that differs from the revision before."""

    where: str
    label: str
    before: str
    after: str


def shown(report: Report, language: Language) -> ShownReport:
    """The report in words; `control` holds name, label and value of each total."""
    return ShownReport(
        documents.title(report, language),
        [_note(note, language) for note in report.partial],
        [
            (name, documents.control_name(name, language), documents.written(total, "whole", language))
            for name, total in report.control.items()
        ],
        report.control_code,
        [_section(section, language) for section in report.sections],
    )


def shown_changes(changes: Sequence[Change], language: Language) -> Sequence[ShownChange]:
    """What changed, in words; a figure that is one of the control totals is said once."""
    totals = {one.name for one in changes if one.section == "control"}
    return [
        ShownChange(
            documents.section_name(one.section, language),
            (documents.control_name if one.section == "control" else documents.figure_name)(one.name, language),
            documents.written(one.before, one.kind, language),
            documents.written(one.after, one.kind, language),
        )
        for one in changes
        if one.section == "control" or one.name not in totals
    ]


def svg(drawing: Drawing) -> Markup:
    """The drawing as SVG."""
    if isinstance(drawing, Lines):
        return lines(drawing)
    return bars(drawing) if isinstance(drawing, Bars) else heat(drawing)


def _section(section: Section, language: Language) -> ShownSection:
    return ShownSection(
        section.name,
        documents.section_name(section.name, language),
        documents.section_about(section.name, language),
        [_note(note, language) for note in section.notes],
        [_figure(one, language) for one in section.figures],
        [ShownChart(one.name, svg(drawing_of(one, language))) for one in section.charts],
        [_table(one, language) for one in section.tables],
    )


def _note(note: Note, language: Language) -> ShownNote:
    return ShownNote(note.name, documents.note_said(note, language), note.severity == "warning")


def _figure(one: Figure, language: Language) -> ShownFigure:
    known = one.low is not None and one.high is not None
    return ShownFigure(
        one.name,
        documents.figure_name(one.name, language),
        documents.written(one.value, one.kind, language),
        documents.difference(one, language),
        documents.written(one.before, one.kind, language) if one.before is not None else "",
        _interval(one.low, one.high, one.kind, language) if known else "",
    )


def _table(table: Table, language: Language) -> ShownTable:
    places = {column.name: place for place, column in enumerate(table.columns)}
    ends = {name for column in table.columns for name in (column.low, column.high) if name}
    kept = [column for column in table.columns if column.name not in ends]
    return ShownTable(
        table.name,
        documents.table_name(table.name, language),
        [Head(documents.column_name(column.name, language), _look(column.kind)) for column in kept],
        [[_cell(row, column, places, language) for column in kept] for row in table.rows],
        documents.cut_said(len(table.rows), table.total_rows, language) if table.cut else "",
    )


def _look(kind: Kind) -> Literal["number", "keep", "text"]:
    if kind in NUMBERS:
        return "number"
    return "text" if kind in ("text", "word") else "keep"


def _cell(row: Sequence[Value], column: Column, places: dict[str, int], language: Language) -> str:
    said = documents.written(row[places[column.name]], column.kind, language)
    if not column.low or not column.high or row[places[column.low]] is None:
        return said
    return f"{said} ({_interval(row[places[column.low]], row[places[column.high]], column.kind, language)})"


def _interval(low: Value, high: Value, kind: Kind, language: Language) -> str:
    return f"{documents.written(low, kind, language).removesuffix(' %')} … {documents.written(high, kind, language)}"
