"""What the doors answer of reports as JSON: lines of the history, one report in full with plain numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from calling_pipeline import addresses
from calling_pipeline.analysis.records import Figure, FigureDocument, Note, Table, TableDocument, Value
from calling_pipeline.reports.making import Made
from calling_pipeline.reports.records import Chart, Report, ReportKind, Section, State, Stored


class ChangeDocument(TypedDict):
    """A number that another revision said otherwise."""

    section: str
    name: str
    before: str | int | float | None
    after: str | int | float | None


class ReportLine(TypedDict):
    """One revision: its period, state, totals and control code, when and by whom it was made, and what changed.

    `partial`: why it is not whole, each with `note` and `severity`. `page`: where the console shows it.
    """

    kind: ReportKind
    period: str
    first: dt.date
    last: dt.date
    revision: int
    state: State
    partial: list[dict[str, Any]]
    control: dict[str, int]
    control_code: str
    digest: str
    made_at: dt.datetime
    made_by: str
    reason: str
    changes: list[ChangeDocument]
    page: str


class ChartMark(TypedDict):
    """A place of a chart that is marked, and as what."""

    place: int
    kind: str


class ChartDocument(TypedDict):
    """A chart as its numbers: labels, and each series by name."""

    labels: list[str | int | float | None]
    series: dict[str, list[float | None]]
    marks: list[ChartMark]


class SectionDocument(TypedDict):
    """One section: figures, tables and charts by name, and notes, each with `note` and `severity`."""

    figures: dict[str, FigureDocument]
    tables: dict[str, TableDocument]
    charts: dict[str, ChartDocument]
    notes: list[dict[str, Any]]


class ReportDocument(ReportLine):
    """One revision in full: its line and its sections by name."""

    sections: dict[str, SectionDocument]


class MadeDocument(TypedDict):
    """What making a report came to: what it waits for, and the newest revision (null without any)."""

    outcome: Literal["made", "unchanged", "waits"]
    waits: list[dict[str, Any]]
    report: ReportLine | None


def line(stored: Stored) -> ReportLine:
    """One revision: its period, state, totals and control code, when and by whom it was made, and what changed."""
    period = stored.period
    return {
        "kind": period.kind,
        "period": period.label,
        "first": period.first,
        "last": period.last,
        "revision": stored.revision,
        "state": stored.state,
        "partial": [_note(note) for note in stored.partial],
        "control": dict(stored.control),
        "control_code": stored.control_code,
        "digest": stored.digest,
        "made_at": stored.made_at,
        "made_by": stored.made_by,
        "reason": stored.reason,
        "changes": [
            {"section": one.section, "name": one.name, "before": _plain(one.before), "after": _plain(one.after)}
            for one in stored.changes
        ],
        "page": addresses.of_report(period.kind, period.label),
    }


def document(stored: Stored, report: Report) -> ReportDocument:
    """One revision in full: its line and its sections with figures, tables, charts and notes."""
    return {**line(stored), "sections": {one.name: _section(one) for one in report.sections}}


def made_document(made: Made) -> MadeDocument:
    """What making a report came to: `outcome`, what it waits for, and the newest revision (null without any)."""
    return {
        "outcome": made.outcome,
        "waits": [_note(note) for note in made.waits],
        "report": line(made.stored) if made.stored is not None else None,
    }


def _section(section: Section) -> SectionDocument:
    return {
        "figures": {one.name: _figure(one) for one in section.figures},
        "tables": {one.name: {"total_rows": one.total_rows, "rows": _rows(one)} for one in section.tables},
        "charts": {one.name: _chart(one) for one in section.charts},
        "notes": [_note(note) for note in section.notes],
    }


def _figure(figure: Figure) -> FigureDocument:
    numbers = {name: _plain(getattr(figure, name)) for name in ("before", "low", "high")}
    known = {name: value for name, value in numbers.items() if value is not None}
    return cast(FigureDocument, {"value": _plain(figure.value), **known})


def _rows(table: Table) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in table.documents]


def _chart(chart: Chart) -> ChartDocument:
    return {
        "labels": [_plain(label) for label in chart.labels],
        "series": {one.name: list(one.values) for one in chart.series},
        "marks": [{"place": one.place, "kind": one.kind} for one in chart.marks],
    }


def _note(note: Note) -> dict[str, Any]:
    return {"note": note.name, "severity": note.severity, **note.values}


def _plain(value: Value) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, dt.date) else value
