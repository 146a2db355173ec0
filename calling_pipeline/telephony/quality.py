"""Judgements on the pool and its calls: pure, from the facts that `monitoring/facts/store.py` gathers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from calling_pipeline.quality import Finding, none_of
from calling_pipeline.telephony.records import PoolStatistics, Reconciled

BUSY_POOL_PCT = 90.0
BUSY_POOL_MINUTES = 5
FAILURE_SHARE = 0.10
FEWEST_CALLS = 10
"""Below this number of calls a failure rate says nothing."""
LONGEST_DELAY_S = 10.0
_EXAMPLES = 10

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class PoolFacts:
    """Rows that break a promise of the pool or its calls: named ids, never telephone numbers."""

    extensions_with_two_calls: Rows
    collectors_with_two_extensions: Rows
    extensions_without_call: Rows
    calls_without_extension: Rows
    overdue_calls: Rows
    unmatched_callbacks: Rows


def extension_has_one_holder(facts: PoolFacts) -> Finding:
    """No extension serves two open calls."""
    return _none(
        facts.extensions_with_two_calls,
        good="every extension serves one call at most",
        bad="extension(s) serve two open calls",
    )


def collector_holds_one_extension(facts: PoolFacts) -> Finding:
    """No collector holds two extensions."""
    return _none(
        facts.collectors_with_two_extensions,
        good="every collector holds one extension at most",
        bad="collector(s) hold more than one extension",
    )


def in_use_means_an_open_call(facts: PoolFacts) -> Finding:
    """An extension is in use exactly while a communication record is open."""
    return _none(
        [*facts.extensions_without_call, *facts.calls_without_extension],
        good="the extensions in use are those of the open calls",
        bad="extension(s) or call(s) without their counterpart",
    )


def nothing_is_stuck(facts: PoolFacts) -> Finding:
    """The sweep looks into every open call, and every callback finds its call."""
    return _none(
        [*facts.overdue_calls, *facts.unmatched_callbacks],
        good="no call and no callback is stuck",
        bad="call(s) or callback(s) are stuck",
    )


def reconciled_is_billed(days: Sequence[Reconciled]) -> Finding:
    """Our records and Infinity's bill name the same calls."""
    different = [
        {
            "day": day.day,
            "tenant": day.tenant_id,
            "billed but unknown to us": day.billed_unknown_to_us,
            "recorded but not billed": day.recorded_not_billed,
        }
        for day in days
        if day.billed_unknown_to_us or day.recorded_not_billed
    ]
    billed = sum(day.billed for day in days)
    return _none(
        different,
        good=f"all {billed} billed calls are ours and all of ours are billed",
        bad="day(s) differ from the bill",
        billed=billed,
        billed_unknown_to_us=sum(day.billed_unknown_to_us for day in days),
        recorded_not_billed=sum(day.recorded_not_billed for day in days),
    )


def pool_is_busy(history: Sequence[float], covers_minutes: float) -> bool:
    """Whether utilisation stayed above 90 % for five minutes.

    `history`: utilisation (%) of each snapshot; `covers_minutes`: how far back they reach.
    """
    return bool(history) and covers_minutes >= BUSY_POOL_MINUTES and min(history) > BUSY_POOL_PCT


def too_many_fail(settled: int, failed: int) -> bool:
    """Whether more than one call in ten failed, among enough calls to judge."""
    return settled >= FEWEST_CALLS and failed / settled > FAILURE_SHARE


def callbacks_are_late(longest_delay_s: float | None) -> bool:
    """Whether a callback took more than ten seconds to reach us."""
    return longest_delay_s is not None and longest_delay_s > LONGEST_DELAY_S


def summary(rows: Sequence[PoolStatistics]) -> dict[str, int]:
    """The pool over every configuration."""
    names = ("total", "available", "cooling_down", "in_use", "offline", "quarantined")
    return {name: sum(getattr(row, name) for row in rows) for name in names}


def _none(rows: Rows, *, good: str, bad: str, **numbers: int) -> Finding:
    found = none_of(rows[:_EXAMPLES], good=good, bad=f"{len(rows)} {bad}")
    return replace(found, numbers={"found": len(rows), **numbers})
