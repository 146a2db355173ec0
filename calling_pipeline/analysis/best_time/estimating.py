"""The chance of success by weekday, hour and province, shrunk to the whole. Pure.

Effects are multipliers on the rate of the whole: of the hour, the weekday, the province, the hour of a weekday, the hour of
a province. Each is a Beta-Binomial: its prior mean is what the other effects say, its prior strength is estimated from how
much the groups differ beyond chance (moments), and a group with few calls stays near its prior. Each effect is measured
against what the others expect, so that a good province that is mostly called at noon does not make noon look good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

WEEKDAY, HOUR, PROVINCE = 0, 1, 2
_EFFECTS: tuple[tuple[int, ...], ...] = ((HOUR,), (PROVINCE,), (WEEKDAY,), (HOUR, WEEKDAY), (HOUR, PROVINCE))
_NAMES = ("hour", "province", "weekday", "hour_weekday", "hour_province")
_SWEEPS = 2
WEAKEST, STRONGEST = 10.0, 5000.0
"""Between these many calls a prior counts."""
STRONGEST_CELL = 1000.0
"""Of a single cell: its draws stay as uncertain as after that many calls, since the effects are not certain either."""


@dataclass(frozen=True)
class Estimate:
    """The rate of the whole, and alpha and beta of each cell [weekday, hour, province]; the last province is any other."""

    rate: float
    alpha: Array
    beta: Array
    strengths: dict[str, float]

    @property
    def rates(self) -> Array:
        """The mean of each cell."""
        found: Array = self.alpha / (self.alpha + self.beta)
        return found


def estimate(calls: Array, successes: Array) -> Estimate:
    """Both arrays are [7 weekdays, 24 hours, provinces]; `successes` of `calls`."""
    n, x = calls.astype(float), successes.astype(float)
    whole = float((x.sum() + 0.5) / (n.sum() + 1.0))
    means = np.full(n.shape, whole)
    factors = [np.ones(n.shape) for _ in _EFFECTS]
    strengths: dict[str, float] = {}
    for _ in range(_SWEEPS):
        for place, (name, kept) in enumerate(zip(_NAMES, _EFFECTS, strict=True)):
            base = _inside(means / factors[place])
            factors[place], strengths[name] = _effect(n, x, base, kept)
            means = _inside(base * factors[place])
    strength = min(STRONGEST_CELL, _strength(n.ravel(), x.ravel(), means.ravel()))
    strengths["cell"] = strength
    alpha, beta = strength * means + x, strength * (1 - means) + n - x
    return Estimate(whole, *_with_any_province(n, means, alpha, beta, strength), strengths)


def _effect(n: Array, x: Array, base: Array, kept: tuple[int, ...]) -> tuple[Array, float]:
    """The multiplier of the groups over the axes `kept`, spread over all cells, and its prior's strength."""
    away = tuple(axis for axis in range(3) if axis not in kept)
    calls, found = n.sum(away, keepdims=True), x.sum(away, keepdims=True)
    of_calls = (n * base).sum(away, keepdims=True) / np.where(calls > 0, calls, 1.0)
    expected = np.where(calls > 0, of_calls, base.mean(away, keepdims=True))
    strength = _strength(calls.ravel(), found.ravel(), expected.ravel())
    shrunk = (strength * expected + found) / (strength + calls)
    return np.broadcast_to(shrunk / expected, n.shape), strength


def _strength(n: Array, x: Array, means: Array) -> float:
    """How many calls the prior counts: few where groups differ beyond chance, many where they do not (moments)."""
    known = n > 0
    n, x, means = n[known], x[known], means[known]
    more = float(np.maximum(n - 1, 0).sum())
    if more <= 0:
        return STRONGEST
    spread = float((n * (x / n - means) ** 2 / (means * (1 - means))).sum())
    correlation = (spread - (len(n) - 1)) / more
    return float(np.clip(1 / correlation - 1 if correlation > 0 else STRONGEST, WEAKEST, STRONGEST))


def _with_any_province(n: Array, means: Array, alpha: Array, beta: Array, strength: float) -> tuple[Array, Array]:
    """Alpha and beta with one more province: of a number whose province is unknown, from all provinces together."""
    shape = (*n.shape[:2], 1)
    weights = n.sum((0, 1)) + 1.0
    mean = _inside((means * weights).sum(2, keepdims=True) / weights.sum())
    calls = np.minimum(n.sum(2, keepdims=True), strength)
    known = calls + strength
    any_alpha, any_beta = (mean * known).reshape(shape), ((1 - mean) * known).reshape(shape)
    return np.concatenate([alpha, any_alpha], 2), np.concatenate([beta, any_beta], 2)


def _inside(rates: Array) -> Array:
    return np.clip(rates, 1e-4, 1 - 1e-4)
