"""A tiny line without axes, beside a number."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from calling_pipeline.charts.drawing import COLOURS, checked, element, framed, joined
from calling_pipeline.charts.lines import runs
from calling_pipeline.charts.records import Caption
from calling_pipeline.charts.scales import scale_of

_WIDTH, _HEIGHT, _EDGE = 120.0, 28.0, 4.0


def spark(caption: Caption, values: Sequence[float | None]) -> Markup:
    """The line as SVG, its newest number with a dot. Raises `ValueError` for numbers that are not finite."""
    count = len(values)
    scale = scale_of(checked(values, count), bottom=_HEIGHT - _EDGE, top=_EDGE, whole=False)
    apart = (_WIDTH - 2 * _EDGE) / max(1, count - 1)
    colour, parts = COLOURS["first"], []
    for run in runs(values):
        points = " ".join(f"{_EDGE + apart * place:.1f},{scale.y(value):.1f}" for place, value in run)
        parts.append(
            element("polyline", points=points, class_="line", fill="none", stroke=colour, stroke_width=2)
            if len(run) > 1
            else _dot(_EDGE + apart * run[0][0], scale.y(run[0][1]), 1.5)
        )
    if values and values[-1] is not None:
        parts.append(_dot(_EDGE + apart * (count - 1), scale.y(values[-1]), 3))
    return framed("spark", caption, _HEIGHT, joined(parts), width=_WIDTH)


def _dot(x: float, y: float, radius: float) -> Markup:
    return element("circle", cx=x, cy=y, r=radius, fill=COLOURS["first"], class_="dot")
