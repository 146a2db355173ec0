"""What the days of a range add up to, and how much of the range is known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calling_pipeline.call_stats.trend.records import TrendDay


@dataclass(frozen=True)
class Totals:
    """Sums over the known days. Rates are of the sums; None without any call."""

    days: int
    known: int
    missing: int
    held: int
    cached: int
    calls: int
    connected: int
    connected_rate: float | None
    successes: int
    records: int
    grade_9: int
    grade_1: int
    orders: int
    order_rate: float | None


def totals_of(trend: Sequence[TrendDay]) -> Totals:
    """Add the days up; a day that a track never read adds nothing to it."""
    stored = [one.stored for one in trend]
    calls, connected = sum(one.callout_number or 0 for one in stored), sum(one.called_number or 0 for one in stored)
    records, orders = sum(one.total_records or 0 for one in stored), sum(one.total_success or 0 for one in stored)
    return Totals(
        days=len(trend),
        known=sum(one.total_records is not None for one in stored),
        missing=sum("missing" in (one.task, one.grade) for one in trend),
        held=sum("held" in (one.task, one.grade) for one in trend),
        cached=sum(one.grade_cached for one in stored),
        calls=calls,
        connected=connected,
        connected_rate=round(100 * connected / calls, 2) if calls else None,
        successes=sum(one.success_number or 0 for one in stored),
        records=records,
        grade_9=sum(one.grade_9 or 0 for one in stored),
        grade_1=sum(one.grade_1 or 0 for one in stored),
        orders=orders,
        order_rate=round(100 * orders / records, 2) if records else None,
    )
