"""What is served: families of numbers with their meaning. Names never change; they end in their unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from calling_pipeline.measures import Measure

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True)
class Family:
    """One name with its kind, unit and meaning; `labels` are closed lists."""

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, measure: Measure) -> Family:
        """The family of a noted measure; a counter's name ends in `_total` when it is served."""
        return cls(measure.name, "histogram" if measure.bounds else "counter", measure.about, measure.labels)


@dataclass(frozen=True)
class Sample:
    """One number of a family. Of a histogram: `number` is the sum in seconds, `buckets` are (upper bound, cumulative)."""

    family: Family
    labels: tuple[str, ...]
    number: float
    buckets: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Part:
    """One part of a scrape: it reads from a database by itself, and its failure leaves the others alone.

    `seconds`: how long its numbers are served again without reading; 0 for those of every scrape.
    """

    name: str
    families: Sequence[Family]
    read: Callable[[Any], Sequence[Sample]]
    of_dagster: bool = False
    seconds: float = 0.0


def samples_of(family: Family, numbers: Mapping[Any, float | None]) -> list[Sample]:
    """Samples of a family, by label value or values; what is None is left out."""
    return [
        Sample(family, key if isinstance(key, tuple) else (str(key),) if family.labels else (), float(number))
        for key, number in numbers.items()
        if number is not None
    ]
