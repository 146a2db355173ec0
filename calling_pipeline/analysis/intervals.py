"""Intervals of shares: how far the true share may be from the counted one. Pure."""

from __future__ import annotations

import math

_Z = 1.959963984540054
"""Of 95 % of the normal distribution."""


def share(part: float, whole: float) -> float | None:
    """`part` of `whole` in percent, two decimals; None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def wilson(part: int, whole: int) -> tuple[float, float] | tuple[None, None]:
    """The ends of Wilson's 95 % interval of a share, in percent with two decimals; None of nothing."""
    if whole <= 0:
        return None, None
    rate, square = part / whole, _Z * _Z
    middle = rate + square / (2 * whole)
    reach = _Z * math.sqrt(rate * (1 - rate) / whole + square / (4 * whole * whole))
    below = 1 + square / whole
    return round(max(0.0, 100 * (middle - reach) / below), 2), round(min(100.0, 100 * (middle + reach) / below), 2)
