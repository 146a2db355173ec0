"""Where numbers stand on an axis, and which labels fit beside each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calling_pipeline.charts.drawing import FONT, LARGE_FONT, text_width
from calling_pipeline.charts.records import Language

_STEPS = (1.0, 2.0, 5.0, 10.0)
_GAP = 0.9
"""Letters of free space between two labels."""


@dataclass(frozen=True)
class Scale:
    """A vertical axis from `low` (zero, or below it) to `high`, between the pixels `bottom` and `top`."""

    low: float
    high: float
    step: float
    bottom: float
    top: float

    def y(self, value: float) -> float:
        """Where the value stands."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom + (self.top - self.bottom) * min(1.0, max(0.0, share))

    @property
    def ticks(self) -> Sequence[float]:
        """The numbers that are written at the axis."""
        count = round((self.high - self.low) / self.step)
        return [self.low + self.step * number for number in range(count + 1)]


def scale_of(values: Iterable[float | None], *, bottom: float, top: float, whole: bool) -> Scale:
    """An axis that holds zero and every value, with as many numbers as its height has room for, at least two.

    `whole`: none of them is a fraction.
    """
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    if high - low < 1e-6:
        high = low + 1
    step = _nice((high - low) / max(1, int((bottom - top) / (1.8 * LARGE_FONT))))
    if whole:
        step = max(1.0, step)
    return Scale(math.floor(low / step) * step, math.ceil(high / step) * step, step, bottom, top)


def written(value: float, language: Language, unit: str = "") -> str:
    """A number of an axis in few letters: `1.2万` in Chinese, `12k` in English."""
    units = ((1e8, "亿"), (1e4, "万")) if language == "zh" else ((1e9, "G"), (1e6, "M"), (1e3, "k"))
    for size, name in units:
        if abs(value) >= size:
            return f"{value / size:.4g}{name}{unit}" if abs(value) < size * 1e4 else f"{value / size:,.0f}{name}{unit}"
    return f"{value:.4g}{unit}"


@dataclass(frozen=True)
class Shown:
    """One label that is written; `minor`: only where the letters are small beside the chart."""

    place: int
    minor: bool


def shown_labels(labels: Sequence[str], spacing: float) -> Sequence[Shown]:
    """Which labels, `spacing` apart, are written so that none meets the next; the last one always is."""
    if not labels:
        return []
    fine = _every(labels, spacing, FONT)
    coarse = fine
    while coarse * spacing < _room(labels, LARGE_FONT):
        coarse += fine
    last = len(labels) - 1
    return [Shown(place, minor=(last - place) % coarse != 0) for place in range(last % fine, len(labels), fine)]


def _every(labels: Sequence[str], spacing: float, font: float) -> int:
    return max(1, math.ceil(_room(labels, font) / spacing))


def _room(labels: Sequence[str], font: float) -> float:
    return max(text_width(text, font) for text in labels) + _GAP * font


def _nice(step: float) -> float:
    size = 10.0 ** math.floor(math.log10(step))
    return next(part * size for part in _STEPS if part * size >= step * (1 - 1e-9))
