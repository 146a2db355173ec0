"""Tomorrow's calls and orders by the same weekday of four weeks, with what the same rule missed on past days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table
from calling_pipeline.analysis.registry import Question
from calling_pipeline.call_stats.trend.records import TrendDay
from calling_pipeline.call_stats.trend.trend import read_trend
from calling_pipeline.contact_policy import store as policy_store

WEEKS, PAST_WEEKS, LEAST_WEEKS = 4, 8, 2
_COLUMNS = (
    Column("day", "day"),
    Column("calls", "whole"),
    Column("calls_forecast", "number"),
    Column("orders", "whole"),
    Column("orders_forecast", "number"),
)


@dataclass(frozen=True)
class Error:
    """What the rule missed: mean absolute error, the same in percent of what happened, and the 95 % quantile of it."""

    days: int
    mean: float | None
    percent: float | None
    widest: float | None


def predicted(known: Mapping[dt.date, int], day: dt.date) -> float | None:
    """The median of the same weekday of the `WEEKS` weeks before `day`; None with fewer than `LEAST_WEEKS` of them."""
    past = [known[before] for n in range(1, WEEKS + 1) if (before := day - dt.timedelta(weeks=n)) in known]
    return float(median(past)) if len(past) >= LEAST_WEEKS else None


def error_of(known: Mapping[dt.date, int], day: dt.date) -> Error:
    """What the rule missed on the days of the `PAST_WEEKS` weeks before `day`, each forecast from what was before it."""
    past = [before for n in range(1, 7 * PAST_WEEKS + 1) if (before := day - dt.timedelta(days=n)) in known]
    misses = [(known[one], abs(known[one] - said)) for one in past if (said := predicted(known, one)) is not None]
    if not misses:
        return Error(0, None, None, None)
    sizes = sorted(miss for _, miss in misses)
    happened = sum(number for number, _ in misses)
    widest = sizes[min(len(sizes) - 1, int(0.95 * len(sizes)))]
    share = round(100 * sum(sizes) / happened, 1) if happened else None
    return Error(len(misses), round(sum(sizes) / len(sizes), 1), share, widest)


def forecast(connection: sa.Connection, question: Question) -> Analysis:
    """The day after the range, at the latest tomorrow. Holidays and days that are held or not whole count for nothing."""
    day = min(question.last, days.today()) + dt.timedelta(days=1)
    first = day - dt.timedelta(weeks=WEEKS + PAST_WEEKS)
    found = read_trend(connection, first, day - dt.timedelta(days=1))
    holidays = policy_store.holidays(connection, first)
    usable = [one for one in found if _is_usable(one) and one.stored.date not in holidays]
    calls = {one.stored.date: one.stored.total_records or 0 for one in usable}
    orders = {one.stored.date: one.stored.total_success or 0 for one in usable}
    over = [one for one in found if not one.under_way]
    notes = [
        Note("forecast_rule", {"day": day, "weeks": WEEKS}),
        Note("forecast_left_out", {"count": len(over) - len(usable), "days": len(over)}),
    ]
    if day in holidays:
        notes.append(Note("forecast_holiday", {"day": day}, "warning"))
    shown = [one.stored.date for one in over if question.first <= one.stored.date <= question.last]
    rows = [(one, calls.get(one), predicted(calls, one), orders.get(one), predicted(orders, one)) for one in shown]
    figures = (*_figures("calls", calls, day), *_figures("orders", orders, day))
    return Analysis("forecast", question.first, question.last, figures, (Table("forecast_days", _COLUMNS, rows),), notes)


def _figures(name: str, known: Mapping[dt.date, int], day: dt.date) -> Sequence[Figure]:
    said, missed = predicted(known, day), error_of(known, day)
    wide = said is not None and missed.widest is not None
    low = max(0.0, (said or 0.0) - (missed.widest or 0.0)) if wide else None
    high = (said or 0.0) + (missed.widest or 0.0) if wide else None
    return (
        Figure(f"forecast_{name}", said, "number", None, low, high),
        Figure(f"forecast_{name}_error", missed.mean, "number"),
        Figure(f"forecast_{name}_error_percent", missed.percent, "percent"),
        Figure(f"forecast_{name}_error_days", missed.days, "whole"),
    )


def _is_usable(one: TrendDay) -> bool:
    return not one.under_way and one.grade in ("complete", "kept") and one.stored.total_records is not None
