"""Lines over days: gaps where a day is missing, a sign on days that are held or not complete, dashed means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from calling_pipeline.charts.axes import BELOW, Key, Plane, labels_below, legend, numbers_at, plane, read_by_pointer
from calling_pipeline.charts.drawing import COLOURS, MARK_COLOUR, checked, element, framed, joined
from calling_pipeline.charts.records import Lines, Look, Mark, MarkKind, Series
from calling_pipeline.charts.scales import Scale, scale_of

_HEIGHT = 190.0
_MANY = 100
"""Points beyond which lines are thin."""


def lines(chart: Lines) -> Markup:
    """The chart as SVG. Raises `ValueError` for numbers that are not finite or not as many as the labels."""
    every = [value for one in chart.series for value in checked(one.values, len(chart.labels))]
    on = plane(chart.labels, inset=False)
    above, legend_height = legend([*_line_keys(chart.series), *_mark_keys(chart.marks)])
    top = legend_height + 12
    scale = scale_of(every, bottom=top + _HEIGHT, top=top, whole=chart.whole)
    parts = [
        above,
        numbers_at(scale, on, chart.language, chart.unit),
        *(_line(one, on, scale) for one in chart.series),
        *(_mark(one, chart.series, on, scale) for one in chart.marks),
        labels_below(chart.labels, on, scale.bottom + BELOW - 8),
        read_by_pointer(chart.labels, chart.series, on, top, scale.bottom, chart.language, chart.unit),
    ]
    return framed("lines", chart.caption, scale.bottom + BELOW, joined(parts))


def runs(values: Sequence[float | None]) -> Iterator[Sequence[tuple[int, float]]]:
    """The stretches without a gap, each as places with their values."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []


def class_of(kind: str, look: Look) -> str:
    """The classes by which the stylesheet knows a series."""
    return kind if look == "first" else f"{kind} {look}"


def _line(series: Series, on: Plane, scale: Scale) -> Markup:
    colour, parts = COLOURS[series.look], []
    for run in runs(series.values):
        if len(run) == 1:
            place, value = run[0]
            parts.append(
                element("circle", cx=on.x(place), cy=scale.y(value), r=2.5, fill=colour, class_=class_of("dot", series.look))
            )
            continue
        if on.count > _MANY:
            steps = [(round(on.x(place), 1), round(scale.y(value))) for place, value in run]
            parts.append(_stroke("path", series.look, width=1.2, d=_steps(steps)))
        else:
            points = [(round(on.x(place), 1), round(scale.y(value), 1)) for place, value in run]
            written = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(_stroke("polyline", series.look, points=written))
    return joined(parts)


def _steps(points: Sequence[tuple[float, int]]) -> str:
    """A path from each point to the next by how far that is: compressed, a third as long as the points themselves."""
    (x, y), *following = points
    steps = [f"M{x:.1f} {y}l"]
    for to_x, to_y in following:
        steps.append(f"{to_x - x:.1f} {to_y - y} ")
        x, y = to_x, to_y
    return "".join(steps).rstrip()


def _stroke(name: str, look: Look, *, width: float = 2.0, **where: str | float | None) -> Markup:
    return element(
        name,
        **where,
        class_=class_of("line", look),
        fill="none",
        stroke=COLOURS[look],
        stroke_width=width,
        stroke_dasharray="4 3" if look == "mean" else None,
        stroke_linejoin="round",
    )


def _mark(mark: Mark, series: Sequence[Series], on: Plane, scale: Scale) -> Markup:
    if not 0 <= mark.place < on.count:
        raise ValueError(f"a mark at {mark.place} of {on.count} labels")
    values = [one.values[mark.place] for one in series if one.look != "mean"]
    known = next((value for value in values if value is not None), None)
    y = scale.y(0) if known is None or mark.kind == "missing" else scale.y(known)
    return _sign(mark.kind, on.x(mark.place), y)


def _sign(kind: MarkKind, x: float, y: float) -> Markup:
    """A ring for held, a diamond for incomplete, a cross for missing: they differ without their colour too."""
    given: dict[str, str | float | None] = {
        "class_": f"mark {kind}",
        "fill": "none",
        "stroke": MARK_COLOUR,
        "stroke_width": 2,
    }
    match kind:
        case "held":
            return element("circle", cx=x, cy=y, r=5, **given)
        case "incomplete":
            return element("path", d=f"M{x:.1f} {y - 6:.1f}l6 6-6 6-6-6z", **given)
        case "missing":
            return element("path", d=f"M{x - 3:.1f} {y - 3:.1f}l6 6m0-6l-6 6", **given)


def _line_keys(series: Sequence[Series]) -> Iterator[Key]:
    for one in series:
        yield Key(one.label, _stroke("line", one.look, x1=0.0, y1=6.0, x2=20.0, y2=6.0))


def _mark_keys(marks: Sequence[Mark]) -> Iterator[Key]:
    known: dict[MarkKind, str] = {}
    for mark in marks:
        known.setdefault(mark.kind, mark.label)
    for kind, text in known.items():
        yield Key(text, _sign(kind, 10, 6))
