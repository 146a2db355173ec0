"""A field for each row and column, the stronger the more: for instance weekdays and hours."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from calling_pipeline.charts.drawing import (
    COLOURS,
    LARGE_FONT,
    LINE_COLOUR,
    WIDTH,
    checked,
    element,
    framed,
    joined,
    label,
    plain,
    text_width,
)
from calling_pipeline.charts.records import Heat
from calling_pipeline.charts.scales import shown_labels, written

_FIELD = 26.0
_LEAST = 0.06
"""Opacity of the smallest number that is not zero: it must differ from nothing."""
_STEPS = 5


def heat(chart: Heat) -> Markup:
    """The chart as SVG. Raises `ValueError` for numbers that are not finite or negative, or not as many as the labels."""
    if len(chart.values) != len(chart.rows):
        raise ValueError(f"{len(chart.values)} rows of values for {len(chart.rows)} labels")
    every = [value for row in chart.values for value in checked(row, len(chart.columns)) if value is not None]
    if any(value < 0 for value in every):
        raise ValueError("a field of a heat chart is not negative")
    most = max(every, default=0.0) or 1.0
    left = max((text_width(text, LARGE_FONT) for text in chart.rows), default=0.0) + 22
    width = (WIDTH - left - 2) / max(1, len(chart.columns))
    parts = []
    for number, (text, values) in enumerate(zip(chart.rows, chart.values, strict=True)):
        y = number * _FIELD + 2
        parts.append(label(left - 6, y + _FIELD - 8, text, anchor="end"))
        for place, value in enumerate(values):
            named = f"{text} {chart.columns[place]}: {'–' if value is None else f'{value:,.6g}'}"
            parts.append(_field(left + place * width, y, width, value, most, named))
    bottom = len(chart.rows) * _FIELD + 2
    for one in shown_labels(chart.columns, width):
        x = left + (one.place + 0.5) * width
        parts.append(label(x, bottom + 20, chart.columns[one.place], class_="minor" if one.minor else None))
    parts.append(_legend(chart, most, bottom + 34))
    return framed("heat", chart.caption, bottom + 34 + LARGE_FONT * 1.4, joined(parts))


def opacity(value: float, most: float) -> float:
    """How strong a field is shown; 0 for none."""
    return 0.0 if value <= 0 else _LEAST + (1 - _LEAST) * min(1.0, value / most)


def _field(x: float, y: float, width: float, value: float | None, most: float, named: str) -> Markup:
    none = value is None or value <= 0
    return element(
        "rect",
        element("title", plain(named)) if named else None,
        x=x + 1,
        y=y + 1,
        width=max(1.0, width - 2),
        height=_FIELD - 2,
        fill="none" if none else COLOURS["first"],
        fill_opacity=None if none else f"{opacity(value or 0, most):.2f}",
        stroke=LINE_COLOUR,
        class_="field" if none else "field bar",
    )


def _legend(chart: Heat, most: float, y: float) -> Markup:
    """The scale from few to many, with the largest number."""
    x = 2 + text_width(chart.few, LARGE_FONT) + 8
    parts: Sequence[Markup] = [
        label(2, y + 18, chart.few, anchor="start"),
        *(_field(x + 26 * number, y, 26, most * number / (_STEPS - 1), most, "") for number in range(_STEPS)),
        label(x + 26 * _STEPS + 8, y + 18, f"{chart.many} ({written(most, chart.language)})", anchor="start"),
    ]
    return joined(parts)
