"""Bars over labels, for instance the hours of a day: a panel for each size of numbers, parts within their whole."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from calling_pipeline.charts.axes import BELOW, Key, Plane, labels_below, legend, numbers_at, plane, read_by_pointer
from calling_pipeline.charts.drawing import COLOURS, checked, element, framed, joined
from calling_pipeline.charts.lines import class_of
from calling_pipeline.charts.records import Bars, Language, Series
from calling_pipeline.charts.scales import Scale, scale_of

_FIRST_HEIGHT = 150.0
_NEXT_HEIGHT = 80.0
_BETWEEN = 22.0


def bars(chart: Bars) -> Markup:
    """The chart as SVG. Raises `ValueError` for numbers that are not finite or not as many as the labels."""
    on = plane(chart.labels, inset=True)
    every = [one for panel in chart.panels for one in panel]
    keys = [Key(one.label, _bar(one, 2.0, 0.0, 16.0, 12.0)) for one in every]
    above, y = legend(keys)
    parts, first_top = [above], y + 12
    for number, panel in enumerate(chart.panels):
        top = y + (12 if number == 0 else _BETWEEN)
        y = top + (_FIRST_HEIGHT if number == 0 else _NEXT_HEIGHT)
        values = [value for one in panel for value in checked(one.values, len(chart.labels))]
        parts.append(_panel(panel, on, scale_of(values, bottom=y, top=top, whole=True), chart.language))
    parts.append(labels_below(chart.labels, on, y + BELOW - 8))
    parts.append(read_by_pointer(chart.labels, every, on, first_top, y, chart.language))
    return framed("bars", chart.caption, y + BELOW, joined(parts))


def _panel(panel: Sequence[Series], on: Plane, scale: Scale, language: Language) -> Markup:
    parts = [numbers_at(scale, on, language)]
    for number, one in enumerate(panel):
        width = on.spacing * (0.8 - 0.22 * min(number, 2))
        for place, value in enumerate(one.values):
            if value:
                ends = sorted((scale.y(value), scale.y(0)))
                parts.append(_bar(one, on.x(place) - width / 2, ends[0], width, ends[1] - ends[0]))
    return joined(parts)


def _bar(series: Series, x: float, y: float, width: float, height: float) -> Markup:
    fill = COLOURS[series.look]
    return element("rect", x=x, y=y, width=width, height=height, fill=fill, class_=class_of("bar", series.look))
