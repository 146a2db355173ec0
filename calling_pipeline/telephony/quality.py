"""Judgements on the pool and its calls: pure, from what the stores found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calling_pipeline.telephony.records import PoolStatistics, Reconciled

BUSY_POOL_PCT = 90.0
BUSY_POOL_MINUTES = 5
FAILURE_SHARE = 0.10
FEWEST_CALLS = 10
"""Fewer calls than this say nothing about a failure rate."""
LONGEST_DELAY_S = 10.0
_EXAMPLES = 10


@dataclass(frozen=True)
class Finding:
    """One judgement: whether it is well, in a sentence, with examples of what is not."""

    passed: bool
    sentence: str
    examples: tuple[str, ...] = ()


def none_of(bad: Sequence[str], good: str, wrong: str) -> Finding:
    """Well when there is nothing in `bad`."""
    if not bad:
        return Finding(True, good)
    return Finding(False, f"{len(bad)} {wrong}", tuple(bad[:_EXAMPLES]))


def extension_has_one_holder(shared: Sequence[str]) -> Finding:
    """No extension serves two open calls."""
    return none_of(shared, "every extension serves one call at most", "extension(s) serve two open calls")


def collector_holds_one_extension(greedy: Sequence[str]) -> Finding:
    """No collector holds two extensions."""
    return none_of(greedy, "every collector holds one extension at most", "collector(s) hold more than one extension")


def in_use_means_an_open_call(held_without: Sequence[str], calls_without: Sequence[str]) -> Finding:
    """An extension is in use exactly while a communication record is open."""
    return none_of(
        [*held_without, *calls_without],
        "extensions in use and open calls are the same",
        "extension(s) or call(s) without their counterpart",
    )


def nothing_is_stuck(overdue: Sequence[str], unmatched: Sequence[str]) -> Finding:
    """No open call is left unasked about, no callback left without its call."""
    return none_of([*overdue, *unmatched], "no call and no callback is stuck", "call(s) or callback(s) are stuck")


def reconciled_is_billed(days: Sequence[Reconciled]) -> Finding:
    """Our records and Infinity's bill name the same calls."""
    bad = [
        f"{day.day} tenant {day.tenant_id}: {day.billed_unknown_to_us} billed but unknown to us,"
        f" {day.recorded_not_billed} recorded but not billed"
        for day in days
        if day.billed_unknown_to_us or day.recorded_not_billed
    ]
    billed = sum(day.billed for day in days)
    return none_of(bad, f"all {billed} billed calls are ours and all of ours are billed", "day(s) differ from the bill")


def pool_is_busy(history: Sequence[float], covers_minutes: float) -> bool:
    """Whether utilisation stayed above 90 % for five minutes: every snapshot did, and they reach back that far."""
    return bool(history) and covers_minutes >= BUSY_POOL_MINUTES and min(history) > BUSY_POOL_PCT


def too_many_fail(settled: int, failed: int) -> bool:
    """Whether more than one call in ten failed, among enough calls to tell."""
    return settled >= FEWEST_CALLS and failed / settled > FAILURE_SHARE


def callbacks_are_late(longest_delay_s: float | None) -> bool:
    """Whether a callback took more than ten seconds to reach us."""
    return longest_delay_s is not None and longest_delay_s > LONGEST_DELAY_S


def summary(rows: Sequence[PoolStatistics]) -> dict[str, int]:
    """The pool over every configuration."""
    names = ("total", "available", "cooling_down", "in_use", "offline", "quarantined")
    return {name: sum(getattr(row, name) for row in rows) for name in names}
