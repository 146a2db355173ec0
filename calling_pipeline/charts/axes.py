"""What charts over a row of labels share: the legend, the numbers at the left, the labels below, what a pointer reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from calling_pipeline.charts.drawing import (
    LARGE_FONT,
    WIDTH,
    element,
    joined,
    label,
    plain,
    rule,
    text_width,
)
from calling_pipeline.charts.records import Language, Series
from calling_pipeline.charts.scales import Scale, shown_labels, written

LEGEND_ROW = 1.3 * LARGE_FONT
BELOW = 1.5 * LARGE_FONT
MOST_READ = 70
"""Beyond so many labels a pointer meets none of them alone; the table beside the chart has the numbers."""
_SIGN = 26.0
_LETTERS = 5
"""Of a number at the axis, as `written` makes them."""


@dataclass(frozen=True)
class Plane:
    """Where the labels stand: the middle of each, from the left."""

    left: float
    right: float
    count: int
    inset: bool

    @property
    def spacing(self) -> float:
        """From one label to the next."""
        gaps = self.count if self.inset else max(1, self.count - 1)
        return (self.right - self.left) / max(1, gaps)

    def x(self, place: int) -> float:
        """The middle of a label. One label alone stands in the middle."""
        if self.inset:
            return self.left + self.spacing * (place + 0.5)
        return (self.left + self.right) / 2 if self.count == 1 else self.left + self.spacing * place


def plane(labels: Sequence[str], *, inset: bool) -> Plane:
    """The plane beside numbers of any size. `inset`: each label has a stretch of its own, as bars want."""
    widest = max((text_width(text, LARGE_FONT) for text in labels), default=0.0)
    right = WIDTH - (4.0 if inset else widest / 2 + 2)
    return Plane(_LETTERS * 0.6 * LARGE_FONT + 8, max(right, WIDTH / 2), len(labels), inset)


def numbers_at(scale: Scale, on: Plane, language: Language, unit: str = "") -> Markup:
    """The axis of a scale: a rule and a number for each tick."""
    return joined(
        rule(on.left, scale.y(tick), WIDTH - 2, scale.y(tick))
        + label(on.left - 6, scale.y(tick) + 4, written(tick, language, unit), anchor="end")
        for tick in scale.ticks
    )


def labels_below(labels: Sequence[str], on: Plane, y: float) -> Markup:
    """The labels that fit."""
    return joined(
        label(on.x(one.place), y, labels[one.place], class_="minor" if one.minor else None)
        for one in shown_labels(labels, on.spacing)
    )


@dataclass(frozen=True)
class Key:
    """One entry of a legend; `sign` is drawn in a field of 20 × 12 units."""

    text: str
    sign: Markup


def legend(keys: Sequence[Key]) -> tuple[Markup, float]:
    """The entries in as many rows as their letters need, and how high they are."""
    parts, x, y = [], 2.0, 0.0
    for key in keys:
        width = _SIGN + text_width(key.text, LARGE_FONT) + 14
        if x > 2.0 and x + width > WIDTH:
            x, y = 2.0, y + LEGEND_ROW
        # A nested picture moves the sign without a transformation, which some readers of mail ignore.
        parts.append(element("svg", key.sign, x=x, y=y + 8, width=20, height=12))
        parts.append(label(x + _SIGN, y + 18, key.text, anchor="start"))
        x += width
    return joined(parts), (y + LEGEND_ROW if keys else 0.0)


def read_by_pointer(
    labels: Sequence[str], series: Sequence[Series], on: Plane, top: float, bottom: float, language: Language, unit: str = ""
) -> Markup:
    """A stretch for each label that says its numbers when a pointer rests on it."""
    if len(labels) > MOST_READ:
        return Markup("")
    return joined(
        element(
            "rect",
            element("title", plain(_said(labels[place], place, series, unit))),
            x=max(on.left, on.x(place) - on.spacing / 2),
            y=top,
            width=on.spacing,
            height=bottom - top,
            fill="#000",
            fill_opacity="0",
            class_="reads",
        )
        for place in range(len(labels))
    )


def _said(text: str, place: int, series: Sequence[Series], unit: str) -> str:
    numbers = (f"{one.label} {_number(one.values[place])}{unit}" for one in series if one.values[place] is not None)
    return " · ".join((text, *numbers))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")
