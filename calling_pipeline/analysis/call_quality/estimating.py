"""What a sample says about all calls: means weighted by the probability of being drawn, with their intervals. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 1.959963984540054
_FEW = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
"""Ends of Student's 95 % interval where the expansion is not near enough, by degrees of freedom."""


@dataclass(frozen=True)
class Stratum:
    """The calls of one collector: how many there are, and the scores of those that were drawn.

    Calls that were drawn and have no score yet are taken as missing by chance.
    """

    population: int
    scores: Sequence[float]

    @property
    def probability(self) -> float:
        """Of a call to be drawn and scored."""
        return len(self.scores) / self.population


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; the ends are None where one score says nothing of the spread."""

    mean: float
    low: float | None
    high: float | None


def estimate(strata: Sequence[Stratum]) -> Estimate | None:
    """The mean score of all calls of strata that have scores (Horvitz–Thompson); None without a score.

    Each score counts by one over its probability, so a collector with many calls weighs as many. The interval is that of a
    stratified sample without replacement: it has no width when every call is scored.
    """
    known = [one for one in strata if one.scores]
    whole = sum(one.population for one in known)
    if not whole:
        return None
    mean = sum(sum(one.scores) / one.probability for one in known) / whole
    variance = _variance(known, whole)
    if variance is None:
        return Estimate(mean, None, None)
    freedom = sum(len(one.scores) for one in known) - len(known)
    reach = _student(freedom) * math.sqrt(variance) if variance else 0.0
    return Estimate(mean, mean - reach, mean + reach)


def _variance(known: Sequence[Stratum], whole: int) -> float | None:
    total = 0.0
    for one in known:
        count = len(one.scores)
        if count == one.population:
            continue
        if count < 2:
            return None
        left = 1 - count / one.population
        total += (one.population / whole) ** 2 * left * statistics.variance(one.scores) / count
    return total


def _student(freedom: int) -> float:
    if freedom in _FEW:
        return _FEW[freedom]
    rest = (_Z**3 + _Z) / (4 * freedom) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)
    return _Z + rest
