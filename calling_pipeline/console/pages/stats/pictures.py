"""The charts of statistics, made from what the room reads; each names what it shows in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from calling_pipeline.call_stats.ranges.records import HourTotal, WeekdayHour
from calling_pipeline.call_stats.records import HourlyOrders
from calling_pipeline.call_stats.trend.records import TrendDay
from calling_pipeline.charts.bars import bars
from calling_pipeline.charts.heat import heat
from calling_pipeline.charts.lines import lines
from calling_pipeline.charts.records import Bars, Caption, Heat, Lines, Mark, MarkKind, Series
from calling_pipeline.charts.spark import spark
from calling_pipeline.console.views import View

HOURS = range(24)
MOST_SPLIT = 100
"""Days beyond which a chart shows the orders together: four lines of 400 days are hard to tell apart, and heavy."""


def orders_trend(view: View, trend: Sequence[TrendDay]) -> Markup:
    """Orders of each day, their mean, and signs on days that are held, missing or not whole."""
    series = [
        Series(view.t("stats.orders"), [one.stored.total_success for one in trend]),
        Series(view.t("stats.mean_7"), [one.orders_mean_7 for one in trend], "mean"),
    ]
    if len(trend) <= MOST_SPLIT:
        series += [
            Series(view.t("stats.grade_9"), [one.stored.grade_9 for one in trend], "second"),
            Series(view.t("stats.grade_1"), [one.stored.grade_1 for one in trend], "third"),
        ]
    return lines(
        Lines(
            _caption(view, "trend-orders", "orders", trend),
            [f"{one.stored.date:%m-%d}" for one in trend],
            series,
            _marks(view, trend),
            language=view.language,
        )
    )


def orders_spark(view: View, trend: Sequence[TrendDay]) -> Markup:
    """Orders of the days up to one, beside its name."""
    return spark(_caption(view, "orders-spark", "orders", trend), [one.stored.total_success for one in trend])


def rates_trend(view: View, trend: Sequence[TrendDay]) -> Markup:
    """The connected rate and the orders of a hundred records."""
    series = [
        Series(view.t("stats.connected_rate"), [one.stored.connected_rate for one in trend]),
        Series(view.t("stats.order_rate"), [one.order_rate for one in trend], "second"),
    ]
    if len(trend) <= MOST_SPLIT:
        series.append(Series(view.t("stats.mean_7"), [one.connected_rate_mean_7 for one in trend], "mean"))
    return lines(
        Lines(
            _caption(view, "trend-rates", "rates", trend),
            [f"{one.stored.date:%m-%d}" for one in trend],
            series,
            whole=False,
            unit="%",
            language=view.language,
        )
    )


def hours(view: View, found: Sequence[HourlyOrders | HourTotal]) -> Markup:
    """Calls and connected calls of each hour, and the orders below them."""
    by_hour = {one.hour: one for one in found}
    known = [by_hour.get(hour) for hour in HOURS]
    calls = [one.calls if one else 0 for one in known]
    connected = [one.connected if one else 0 for one in known]
    orders = [one.orders if one else 0 for one in known]
    sums = {"calls": f"{sum(calls):,}", "connected": f"{sum(connected):,}", "orders": f"{sum(orders):,}"}
    said = view.t("stats.chart_hours_text", **sums)
    return bars(
        Bars(
            Caption("hours", view.t("stats.hours"), said),
            [str(hour) for hour in HOURS],
            [
                [Series(view.t("stats.calls"), calls), Series(view.t("stats.connected"), connected, "second")],
                [Series(view.t("stats.orders"), orders, "third")],
            ],
            language=view.language,
        )
    )


def weekday_hours(view: View, found: Sequence[WeekdayHour]) -> Markup:
    """Orders of a day of each weekday by hour."""
    value = {(one.weekday, one.hour): one.orders / one.days for one in found}
    known = {one.weekday for one in found}
    rows = [[value.get((weekday, hour), 0.0) if weekday in known else None for hour in HOURS] for weekday in range(1, 8)]
    best = max(found, key=lambda one: one.orders / one.days, default=None)
    said = view.t("stats.chart_heat_none")
    if best is not None:
        weekday = view.t(f"stats.weekday_{best.weekday}")
        said = view.t("stats.chart_heat_text", weekday=weekday, hour=best.hour, orders=f"{best.orders / best.days:,.1f}")
    return heat(
        Heat(
            Caption("weekday-hours", view.t("stats.weekday_hours"), said),
            [view.t(f"stats.weekday_{weekday}") for weekday in range(1, 8)],
            [str(hour) for hour in HOURS],
            rows,
            view.t("stats.few"),
            view.t("stats.many"),
            language=view.language,
        )
    )


def _caption(view: View, name: str, what: str, trend: Sequence[TrendDay]) -> Caption:
    first, last = trend[0].stored.date, trend[-1].stored.date
    orders = [one.stored.total_success for one in trend if one.stored.total_success is not None]
    said = view.t(
        "stats.chart_trend_text",
        first=first,
        last=last,
        known=len(orders),
        days=len(trend),
        least=f"{min(orders, default=0):,}",
        most=f"{max(orders, default=0):,}",
    )
    return Caption(name, view.t(f"stats.trend_{what}"), said)


def _marks(view: View, trend: Sequence[TrendDay]) -> Sequence[Mark]:
    return [Mark(place, kind, view.t(f"stats.mark_{kind}")) for place, one in enumerate(trend) if (kind := _mark(one))]


def _mark(one: TrendDay) -> MarkKind | None:
    """The sign of a day, the gravest that is true of either track; the orders are of the grade track."""
    if "held" in (one.task, one.grade):
        return "held"
    if one.grade == "missing":
        return "missing"
    return "incomplete" if one.under_way or "incomplete" in (one.task, one.grade) else None
