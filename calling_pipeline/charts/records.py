"""What charts draw: series of numbers with their names, and what is marked on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
Look = Literal["first", "second", "third", "mean"]
"""How a series is drawn: the theme's colours in this order, or dashed as a mean."""
MarkKind = Literal["held", "incomplete", "missing"]


@dataclass(frozen=True)
class Caption:
    """The accessible name and description of a chart. `name` is its id in the page: lower case, digits, hyphens."""

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Series:
    """One row of numbers, a value for each label of the chart; None is a gap."""

    label: str
    values: Sequence[float | None]
    look: Look = "first"


@dataclass(frozen=True)
class Mark:
    """A sign at one place of the labels. Marks of one kind share `label`, which the legend shows."""

    place: int
    kind: MarkKind
    label: str


@dataclass(frozen=True)
class Lines:
    """Series over the same labels, for instance days. `whole`: the numbers are counts; `unit` follows those of the axis."""

    caption: Caption
    labels: Sequence[str]
    series: Sequence[Series]
    marks: Sequence[Mark] = ()
    whole: bool = True
    unit: str = ""
    language: Language = "zh"


@dataclass(frozen=True)
class Bars:
    """Panels of bars over the same labels, each with a scale of its own. Series of one panel are parts of those before."""

    caption: Caption
    labels: Sequence[str]
    panels: Sequence[Sequence[Series]]
    language: Language = "zh"


@dataclass(frozen=True)
class Heat:
    """One value for each row and column, None where there is none. `few` and `many` name the ends of the scale."""

    caption: Caption
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    few: str
    many: str
    language: Language = "zh"
