"""How late callbacks came: from the vendor's signature at the end of the call to the arrival here."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping

import sqlalchemy as sa

from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.telephony.pool.line_counts import store

COLUMNS = (
    Column("day", "day"),
    Column("ended", "whole"),
    Column("callbacks", "whole"),
    Column("delay_p50", "seconds"),
    Column("delay_p90", "seconds"),
    Column("delay_p99", "seconds"),
    Column("delay_most", "seconds"),
    Column("lost", "whole"),
    Column("lost_rate", "percent"),
    Column("swept", "whole"),
    Column("swept_rate", "percent"),
)


def callback_delay(connection: sa.Connection, question: Question) -> Analysis:
    """Percentiles of the delay by day, to a tenth of a second, and how many callbacks never came."""
    by_day: dict[dt.date, Counter[int]] = defaultdict(Counter)
    outcomes: dict[dt.date, Counter[str]] = defaultdict(Counter)
    for one in store.delays(connection, question.first, question.last, tenant_id=question.tenant_id):
        outcomes[one.day][one.outcome] += one.calls
        if one.outcome != "lost":
            by_day[one.day][one.tenths] += one.calls
    whole, by_outcome = sum(by_day.values(), Counter[int]()), sum(outcomes.values(), Counter[str]())
    ended = sum(by_outcome.values())
    lost, swept = wilson(by_outcome["lost"], ended), wilson(by_outcome["swept"], ended)
    known = sorted(outcomes)
    return Analysis(
        "callback_delay",
        question.first,
        question.last,
        figures=(
            Figure("ended", ended, "whole"),
            Figure("delay_p50", percentile(whole, 0.5), "seconds"),
            Figure("delay_p90", percentile(whole, 0.9), "seconds"),
            Figure("delay_p99", percentile(whole, 0.99), "seconds"),
            Figure("lost_rate", share(by_outcome["lost"], ended), "percent", None, *lost),
            Figure("swept_rate", share(by_outcome["swept"], ended), "percent", None, *swept),
        ),
        tables=(Table("delays", COLUMNS, [_row(day, by_day[day], outcomes[day]) for day in known]),),
        notes=(Note("delay_from_signature"),),
    )


def percentile(tenths: Mapping[int, int], part: float) -> float | None:
    """The delay in seconds within which at least `part` (0 to 1) of the calls lie; None of none."""
    wanted, below = part * sum(tenths.values()), 0
    for delay in sorted(tenths):
        below += tenths[delay]
        if below >= wanted:
            return delay / 10
    return None


def _row(day: dt.date, tenths: Mapping[int, int], outcomes: Counter[str]) -> tuple[Value, ...]:
    ended = sum(outcomes.values())
    return (
        day,
        ended,
        sum(tenths.values()),
        percentile(tenths, 0.5),
        percentile(tenths, 0.9),
        percentile(tenths, 0.99),
        max(tenths) / 10 if tenths else None,
        outcomes["lost"],
        share(outcomes["lost"], ended),
        outcomes["swept"],
        share(outcomes["swept"], ended),
    )
