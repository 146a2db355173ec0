"""A report as tagged PDF (PDF/UA-1): the same bytes for the same report, language and font."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from calling_pipeline import days
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Figure, Kind, Note, Table, Value
from calling_pipeline.reports import documents
from calling_pipeline.reports.files.charts import alt_of, set_in, svg_of
from calling_pipeline.reports.files.fonts import BREAK, Font, font_of
from calling_pipeline.reports.files.typesetting import typeset
from calling_pipeline.reports.records import Chart, Report, Section

ROWS = 200
"""Rows of one table in a PDF; a longer one says how many it has. The sheet and the CSV have all."""
AUTHOR = "calling_pipeline"
_LEFT: frozenset[Kind] = frozenset({"text", "word", "day", "month", "weekday", "moment"})
_LONG_WORD = re.compile(r"[^\s\u2e80-\uffff]{18}(?=\S)")


def pdf_of(report: Report, language: Language, *, font: Path | None = None) -> bytes:
    """The report as PDF. `font`: a font file instead of the system's Noto or the built-in one.

    Raises `Busy` when it was not ready in time, `ConfigurationError` for a font without Chinese.
    """
    found = font_of(font)
    return typeset("report", _data(report, language, found), found, format="pdf", timestamp=int(report.made_at.timestamp()))


def _data(report: Report, language: Language, font: Font) -> dict[str, Any]:
    made = report.made_at.astimezone(days.SHANGHAI)
    title = documents.title(report, language)
    code = documents.say("code", language, code=report.control_code)
    made_said = documents.say("made", language, at=f"{made:%Y-%m-%d %H:%M}", revision=report.revision)
    return {
        "title": title,
        "author": AUTHOR,
        "language": language,
        "region": "cn" if language == "zh" else "gb",
        "subtitle": f"{made_said} · {code}",
        "footer": f"{title} · {code}",
        "partial": [documents.note_said(one, language) for one in report.partial],
        "sections": [_section(one, report, language, font) for one in report.sections],
    }


def _section(section: Section, report: Report, language: Language, font: Font) -> dict[str, Any]:
    proof = section.name == "proof"
    return {
        "name": documents.section_name(section.name, language),
        "about": documents.section_about(section.name, language),
        "own_page": proof,
        "figures": [_card(one, language) for one in section.figures] + (_totals(report, language) if proof else []),
        "notes": [_note(one, language) for one in section.notes],
        "charts": [_chart(one, language, font) for one in section.charts],
        "tables": [_table(one, language) for one in section.tables],
        "code": documents.say("code", language, code=report.control_code) if proof else "",
        "code_about": documents.say("code_about", language) if proof else "",
    }


def _totals(report: Report, language: Language) -> list[dict[str, Any]]:
    named = ((documents.control_name(name, language), total) for name, total in report.control.items())
    return [{"label": label, "value": f"{total:,}", "beside": []} for label, total in named]


def _card(one: Figure, language: Language) -> dict[str, Any]:
    beside = []
    if one.low is not None and one.high is not None:
        ends = [documents.written(end, one.kind, language) for end in (one.low, one.high)]
        beside.append(f"{ends[0].removesuffix(' %')} – {ends[1]}")
    if one.before is not None:
        before = documents.written(one.before, one.kind, language)
        change = documents.difference(one, language)
        beside.append(documents.say("before", language, value=before) + (f" ({change})" if change else ""))
    return {
        "label": documents.figure_name(one.name, language),
        "value": documents.written(one.value, one.kind, language),
        "beside": beside,
    }


def _note(note: Note, language: Language) -> dict[str, Any]:
    return {"warning": note.severity == "warning", "text": documents.note_said(note, language)}


def _chart(chart: Chart, language: Language, font: Font) -> dict[str, str]:
    return {
        "svg": set_in(svg_of(chart, language), font),
        "title": documents.chart_name(chart.name, language),
        "alt": alt_of(chart, language),
    }


def _table(table: Table, language: Language) -> dict[str, Any]:
    rows = table.rows[:ROWS]
    below = documents.say("empty", language) if not table.rows else ""
    if len(rows) < table.total_rows:
        below = documents.cut_said(len(rows), table.total_rows, language)
    return {
        "caption": documents.table_name(table.name, language),
        "heads": [
            {
                "label": documents.column_name(one.name, language),
                "number": one.kind not in _LEFT,
                "wide": place == 0 and len(table.columns) < 8,
            }
            for place, one in enumerate(table.columns)
        ],
        "rows": [
            [_cell(value, column.kind, language) for value, column in zip(row, table.columns, strict=True)] for row in rows
        ],
        "below": below,
    }


def _cell(value: Value, kind: Kind, language: Language) -> str:
    """As it is written; a long word may be broken, so that it stays in its column."""
    text = documents.written(value, kind, language)
    return _LONG_WORD.sub(lambda match: match.group() + BREAK, text) if kind == "text" else text
