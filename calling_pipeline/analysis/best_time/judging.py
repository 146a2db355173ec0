"""Whether ordering by hour is better than hours at random, and when it switches itself off. Pure.

The exploring share and the ordered calls of one batch are the same people, the same day and the same possible hours; only
the order differs, by a draw. So the difference of their success rates within batches is the uplift.

The rule. A look is taken every `EVERY_DAYS` days, over the batches of the last `WINDOW_DAYS`. A look with a z of at least
`PROOF_Z` (one-sided 0.4 %) proves the order better, for `VALID_DAYS`. The first `VALID_DAYS` after switching on need no
proof. When the last proof is older than that, it switches itself off. So a world without an effect gets four chances of
0.4 % in each `VALID_DAYS`: it keeps the order with less than 2 %.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

EVERY_DAYS, WINDOW_DAYS, VALID_DAYS = 7, 28, 28
PROOF_Z = 2.652
LEAST_CALLS = 200
"""Of each arm, in the window; with fewer a look proves nothing."""
_Z_95 = 1.959963984540054

Verdict = Literal["proven", "not yet", "off"]


@dataclass(frozen=True)
class Stratum:
    """One batch: calls and successes of the ordered and of the exploring calls."""

    day: dt.date
    ordered: int
    ordered_successes: int
    exploring: int
    exploring_successes: int


@dataclass(frozen=True)
class Uplift:
    """Success rate of the ordered calls less that of the exploring ones, within batches, with its 95 % interval.

    The rates are shares from 0 to 1; None where an arm has no calls. `z`: the uplift in standard errors.
    """

    ordered: int
    exploring: int
    ordered_rate: float | None
    exploring_rate: float | None
    uplift: float | None = None
    low: float | None = None
    high: float | None = None
    z: float = 0.0


@dataclass(frozen=True)
class Look:
    """What one look says: the uplift until then, the verdict, and until when the last proof is valid."""

    day: dt.date
    measured: Uplift
    verdict: Verdict
    proven_until: dt.date


def uplift_of(strata: Sequence[Stratum]) -> Uplift:
    """The difference stratified by batch (Mantel-Haenszel weights).

    Its variance is that of the draw which divided each batch: exact where there is no difference, however small a batch.
    """
    ordered, exploring = sum(one.ordered for one in strata), sum(one.exploring for one in strata)
    rates = (
        sum(one.ordered_successes for one in strata) / ordered if ordered else None,
        sum(one.exploring_successes for one in strata) / exploring if exploring else None,
    )
    difference = weights = variance = 0.0
    for one in strata:
        both = one.ordered + one.exploring
        if not one.ordered or not one.exploring:
            continue
        weight = one.ordered * one.exploring / both
        rate = (one.ordered_successes + one.exploring_successes) / both
        difference += weight * (one.ordered_successes / one.ordered - one.exploring_successes / one.exploring)
        variance += weight * rate * (1 - rate) * both / (both - 1)
        weights += weight
    if not weights or not variance:
        return Uplift(ordered, exploring, *rates)
    uplift, error = difference / weights, math.sqrt(variance) / weights
    return Uplift(ordered, exploring, *rates, uplift, uplift - _Z_95 * error, uplift + _Z_95 * error, uplift / error)


def look(strata: Sequence[Stratum], day: dt.date, since: dt.date, proven_until: dt.date | None) -> Look:
    """The look of `day` at the batches since it was switched on; `proven_until`: until when the last proof is valid."""
    first = max(since, day - dt.timedelta(days=WINDOW_DAYS - 1))
    measured = uplift_of([one for one in strata if first <= one.day <= day])
    until = proven_until or since + dt.timedelta(days=VALID_DAYS)
    if measured.z >= PROOF_Z and min(measured.ordered, measured.exploring) >= LEAST_CALLS:
        return Look(day, measured, "proven", day + dt.timedelta(days=VALID_DAYS))
    return Look(day, measured, "off" if day >= until else "not yet", until)


def look_due(day: dt.date, since: dt.date, last_look: dt.date | None) -> bool:
    """Whether a look is due on `day`: every week since it was switched on."""
    return day >= (last_look or since) + dt.timedelta(days=EVERY_DAYS)
