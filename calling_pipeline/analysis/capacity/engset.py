"""Refused calls of a pool of lines by Engset's formula: few collectors, who make no call while they are in one. Pure.

Erlang's formulas assume callers without number. Here each of `sources` collectors, while idle, begins a call `offered` times
in the length of a call; a collector who is refused is idle again. Only means count, not how long single calls last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

_ROUNDS = 2
_NOTHING = 1e-7
"""A share so small is not worth a further round."""
_SHORTEST_PAUSE_S = 1.0


@dataclass(frozen=True)
class Times:
    """Mean seconds: a line is taken by a call, cools down after it, and a collector pauses until the next attempt."""

    busy_s: float
    cool_down_s: float
    pause_s: float


def refusals(sources: int, offered: float, most: int) -> Sequence[float]:
    """The share of attempts refused with 0, 1, … `most` lines, each from 0 to 1.

    The recursion over lines adds and divides positive numbers alone, so it loses no digits for thousands of lines. `offered`
    is the attempts of an idle collector in the mean time that a line is taken. Raises `ValueError` for negative numbers.
    """
    if sources < 0 or most < 0 or not 0 <= offered < float("inf"):
        raise ValueError("sources, lines and the attempts offered are not negative, and finite")
    shares = [1.0 if sources and offered else 0.0]
    for lines in range(1, most + 1):
        others = max(0, sources - lines) * offered * shares[-1]
        shares.append(others / (lines + others))
    return shares


def refusal(sources: int, lines: int, offered: float) -> float:
    """The share of attempts refused with so many lines, from 0 to 1. Raises `ValueError` for negative numbers."""
    return refusals(sources, offered, lines)[-1]


def refusals_of_pool(sources: int, times: Times, most: int) -> Sequence[float]:
    """The share of attempts refused with 0 … `most` lines when a line stays taken for its cool-down after a call.

    The collector's own pause has begun by then: after a call a collector is idle for the pause less the cool-down, after a
    refusal for the whole pause. Attempts depend on the share refused; two rounds more settle both. Raises `ValueError`
    as `refusals` does.
    """
    taken = times.busy_s + times.cool_down_s

    def offered(share: float) -> float:
        return taken / max(times.pause_s - (1 - share) * times.cool_down_s, _SHORTEST_PAUSE_S)

    shares = list(refusals(sources, offered(0.0), most))
    for _ in range(_ROUNDS if times.cool_down_s else 0):
        shares = [
            refusal(sources, lines, offered(share)) if share > _NOTHING else share for lines, share in enumerate(shares)
        ]
    return list(accumulate(shares, min))  # where the cool-down is as long as the pause, the rounds do not settle


def refusals_over(hours: Mapping[int, float], times: Times, most: int) -> Sequence[float]:
    """The share refused with 0 … `most` lines over hours that differ: `hours` is attempts by collectors present."""
    attempts = sum(hours.values())
    total = [0.0] * (most + 1)
    for sources, weight in hours.items():
        for lines, share in enumerate(refusals_of_pool(sources, times, most)):
            total[lines] += share * weight
    return [one / attempts if attempts else 0.0 for one in total]


def lines_needed(shares: Sequence[float], wanted: float) -> int | None:
    """The fewest lines with which at most `wanted` (0 to 1) is refused; None: `shares` does not reach so far."""
    return next((lines for lines, share in enumerate(shares) if share <= wanted), None)
