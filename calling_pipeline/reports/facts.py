"""A report as JSON and back, exactly: what is stored of a period stays readable when its records and caches are gone.

Whole numbers, texts and null are themselves. What JSON or the database would change has a key that names its kind:
`{"float": "0.1"}`, `{"decimal": "7.50"}`, `{"day": "2026-11-29"}`, `{"moment": "…"}`, `{"escaped": "…"}` for a text with
characters that the database refuses.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from calling_pipeline.analysis.records import Column, Figure, Note, Table, Value
from calling_pipeline.reports.records import Change, Chart, ChartMark, ChartSeries, Period, Report, Section

VERSION = 1
_OF_THE_MOMENT = ("calls_open", "days_unbilled")
"""Notes of settled sections on how things stood when the report was made: they make no revision."""
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def packed(value: Any) -> Any:
    """A value as JSON. Raises `ValueError` for numbers that are not finite and for what is no value."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return {"escaped": json.dumps(value)} if _REFUSED.search(value) else value
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} is no number of a report")
            return {"float": repr(value)}
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is no number of a report")
            return {"decimal": str(value)}
        case dt.datetime():
            return {"moment": value.isoformat()}
        case dt.date():
            return {"day": value.isoformat()}
        case list() | tuple():
            return [packed(one) for one in value]
    raise ValueError(f"{type(value).__name__} is no value of a report")


def unpacked(value: Any) -> Any:
    """The value that was packed."""
    if isinstance(value, list):
        return [unpacked(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _READ[kind](text)


_READ: Mapping[str, Any] = {
    "float": float,
    "decimal": Decimal,
    "moment": dt.datetime.fromisoformat,
    "day": dt.date.fromisoformat,
    "escaped": json.loads,
}


def facts_of(report: Report) -> dict[str, Any]:
    """Everything in the report but its revision, which the ledger gives."""
    return {
        "version": VERSION,
        "period": {
            "kind": report.period.kind,
            "first": report.period.first.isoformat(),
            "last": report.period.last.isoformat(),
        },
        "made_at": report.made_at.isoformat(),
        "partial": [note_facts(one) for one in report.partial],
        "sections": [_section_facts(one) for one in report.sections],
        "control": dict(report.control),
    }


def report_of(facts: Mapping[str, Any], revision: int) -> Report:
    """The report of these facts."""
    period = facts["period"]
    return Report(
        period=Period(period["kind"], dt.date.fromisoformat(period["first"]), dt.date.fromisoformat(period["last"])),
        revision=revision,
        made_at=dt.datetime.fromisoformat(facts["made_at"]),
        partial=tuple(note_of(one) for one in facts["partial"]),
        sections=tuple(_section_of(one) for one in facts["sections"]),
        control=facts["control"],
    )


def digest_of(report: Report) -> str:
    """The SHA-256 of what the report says of its period.

    Not of when it was made, nor of sections and notes on how things stood then.
    """
    facts = facts_of(report)
    said = {
        "period": facts["period"],
        "partial": facts["partial"],
        "control": facts["control"],
        "sections": [
            one | {"notes": [note for note in one["notes"] if note["name"] not in _OF_THE_MOMENT]}
            for one in facts["sections"]
            if one["settled"]
        ],
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def note_facts(note: Note) -> dict[str, Any]:
    """A note as JSON."""
    values = {name: packed(value) for name, value in note.values.items()}
    return {"name": note.name, "values": values, "severity": note.severity}


def note_of(facts: Mapping[str, Any]) -> Note:
    """The note of these facts."""
    return Note(facts["name"], {name: unpacked(value) for name, value in facts["values"].items()}, facts["severity"])


def change_facts(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "section": change.section,
        "name": change.name,
        "kind": change.kind,
        "before": packed(change.before),
        "after": packed(change.after),
    }


def change_of(facts: Mapping[str, Any]) -> Change:
    """The change of these facts."""
    return Change(facts["section"], facts["name"], facts["kind"], unpacked(facts["before"]), unpacked(facts["after"]))


def _section_facts(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "settled": section.settled,
        "figures": [_figure_facts(one) for one in section.figures],
        "tables": [_table_facts(one) for one in section.tables],
        "charts": [_chart_facts(one) for one in section.charts],
        "notes": [note_facts(one) for one in section.notes],
    }


def _section_of(facts: Mapping[str, Any]) -> Section:
    return Section(
        name=facts["name"],
        figures=tuple(_figure_of(one) for one in facts["figures"]),
        tables=tuple(_table_of(one) for one in facts["tables"]),
        charts=tuple(_chart_of(one) for one in facts["charts"]),
        notes=tuple(note_of(one) for one in facts["notes"]),
        settled=facts["settled"],
    )


def _figure_facts(figure: Figure) -> dict[str, Any]:
    numbers = {name: packed(getattr(figure, name)) for name in ("value", "before", "low", "high")}
    return {"name": figure.name, "kind": figure.kind, **numbers}


def _figure_of(facts: Mapping[str, Any]) -> Figure:
    value: Value = unpacked(facts["value"])
    before, low, high = (unpacked(facts[name]) for name in ("before", "low", "high"))
    return Figure(facts["name"], value, facts["kind"], before, low, high)


def _table_facts(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": [[one.name, one.kind, one.low, one.high] for one in table.columns],
        "rows": [packed(tuple(row)) for row in table.rows],
        "total_rows": table.total_rows,
    }


def _table_of(facts: Mapping[str, Any]) -> Table:
    columns = tuple(Column(*one) for one in facts["columns"])
    rows = tuple(tuple(unpacked(value) for value in row) for row in facts["rows"])
    return Table(facts["name"], columns, rows, facts["total_rows"])


def _chart_facts(chart: Chart) -> dict[str, Any]:
    return {
        "name": chart.name,
        "shape": chart.shape,
        "labels": packed(chart.labels),
        "label_kind": chart.label_kind,
        "series": [
            {"name": one.name, "values": packed(one.values), "look": one.look, "panel": one.panel} for one in chart.series
        ],
        "marks": [[one.place, one.kind] for one in chart.marks],
        "unit": chart.unit,
        "row_kind": chart.row_kind,
    }


def _chart_of(facts: Mapping[str, Any]) -> Chart:
    return Chart(
        name=facts["name"],
        shape=facts["shape"],
        labels=tuple(unpacked(facts["labels"])),
        label_kind=facts["label_kind"],
        series=tuple(
            ChartSeries(one["name"], tuple(unpacked(one["values"])), one["look"], one["panel"]) for one in facts["series"]
        ),
        marks=tuple(ChartMark(*one) for one in facts["marks"]),
        unit=facts["unit"],
        row_kind=facts["row_kind"],
    )
