"""The charts of a report outside the console: as SVG for a page or PDF, as a small PNG for a mail."""

from __future__ import annotations

from pathlib import Path

from markupsafe import escape

from calling_pipeline.access.people.records import Language
from calling_pipeline.charts.bars import bars
from calling_pipeline.charts.heat import heat
from calling_pipeline.charts.lines import lines
from calling_pipeline.charts.records import Bars, Lines
from calling_pipeline.reports.drawings import drawing_of
from calling_pipeline.reports.files.fonts import Font, font_of
from calling_pipeline.reports.files.typesetting import typeset
from calling_pipeline.reports.records import Chart


def svg_of(chart: Chart, language: Language) -> str:
    """The chart as SVG that needs no stylesheet."""
    drawing = drawing_of(chart, language)
    if isinstance(drawing, Lines):
        return str(lines(drawing))
    return str(bars(drawing) if isinstance(drawing, Bars) else heat(drawing))


def alt_of(chart: Chart, language: Language) -> str:
    """What the chart shows, in words."""
    caption = drawing_of(chart, language).caption
    return f"{caption.title}: {caption.description}"


def set_in(svg: str, font: Font) -> str:
    """The SVG with its letters in the font."""
    return svg.replace("<svg ", f'<svg font-family="{escape(font.family)}" ', 1)


def png_of(chart: Chart, language: Language, *, font: Path | None = None) -> bytes:
    """The chart as PNG, 960 pixels wide, the same bytes for the same chart. Raises as `typeset` does."""
    found = font_of(font)
    data = {"svg": set_in(svg_of(chart, language), found), "alt": alt_of(chart, language)}
    return typeset("chart", data, found, format="png")
