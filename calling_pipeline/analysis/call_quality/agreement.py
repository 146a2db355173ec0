"""How well reviewers agree: Krippendorff's alpha for ordered scores. Pure.

Alpha and not Cohen's kappa: reviewers differ from call to call, some calls have three and most have one, and a 4 for a 5 is
a smaller disagreement than a 1 for a 5. 1: they always agree; 0: as much as scores drawn by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import permutations


def alpha(units: Sequence[Sequence[int]]) -> float | None:
    """Krippendorff's alpha (ordinal) of the scores of each call; calls with one score say nothing.

    None where nothing can be said: no call has two scores, or all scores are the same.
    """
    pairs: defaultdict[tuple[int, int], float] = defaultdict(float)
    for scores in units:
        for one, other in permutations(scores, 2):
            pairs[one, other] += 1 / (len(scores) - 1)
    totals: defaultdict[int, float] = defaultdict(float)
    for (one, _), weight in pairs.items():
        totals[one] += weight
    whole = sum(totals.values())
    apart = {(one, other): _apart(one, other, totals) for one in totals for other in totals}
    by_chance = sum(totals[one] * totals[other] * apart[one, other] for one, other in apart)
    if not by_chance:
        return None
    return 1 - (whole - 1) * sum(weight * apart[pair] for pair, weight in pairs.items()) / by_chance


def _apart(one: int, other: int, totals: Mapping[int, float]) -> float:
    """The squared distance of two scores: how many scores lie between them, the ends by half."""
    low, high = min(one, other), max(one, other)
    between = sum(weight for score, weight in totals.items() if low <= score <= high)
    return (between - (totals[low] + totals[high]) / 2) ** 2
