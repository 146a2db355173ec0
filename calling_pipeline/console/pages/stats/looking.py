"""`/stats`: one day of both tracks, or the trend of a range."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.changes.changes import changes_of
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.ranges import store as ranges
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.trend.records import TrendDay
from calling_pipeline.call_stats.trend.trend import read_trend
from calling_pipeline.call_stats.views import require_partition
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.stats import pictures
from calling_pipeline.console.pages.stats.asked import RANGES, Span, span_of, up_to_today
from calling_pipeline.console.pages.stats.totals import totals_of
from calling_pipeline.console.pages.stats.tracks import TONES, DayFacts, read_day_facts
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["statistics"])
Viewer = Annotated[View, Depends(viewing("viewer", "statistics"))]
FRESH_S = 1.0
CHANGES_SHOWN = 30
DAYS_AS_TABLE = 62
"""Longer ranges have their numbers on a page of their own."""
AGENTS_SHOWN = 5
SPARK_DAYS = 14

DAY_COLUMNS: Sequence[Column[TrendDay]] = (
    Column("date", lambda one: Link(one.stored.date, f"/stats?date={one.stored.date}"), sorts=True),
    Column("task_standing", lambda one: _standing(one.task), wide=True),
    Column("grade_standing", lambda one: _standing(one.grade)),
    Column("callout_number", lambda one: one.stored.callout_number, number=True, wide=True),
    Column("called_number", lambda one: one.stored.called_number, number=True, wide=True),
    Column("connected_rate", lambda one: one.stored.connected_rate, number=True, wide=True),
    Column("success_number", lambda one: one.stored.success_number, number=True, wide=True),
    Column("total_records", lambda one: one.stored.total_records, number=True),
    Column("grade_9", lambda one: one.stored.grade_9, number=True),
    Column("grade_1", lambda one: one.stored.grade_1, number=True),
    Column("total_success", lambda one: one.stored.total_success, number=True),
    Column("order_rate", lambda one: one.order_rate, number=True, wide=True),
    Column("orders_mean_7", lambda one: one.orders_mean_7, number=True, wide=True),
    Column("orders_week_before", lambda one: one.orders_week_before, number=True, wide=True),
)


@router.get("/stats")
def stats(view: Viewer) -> Response:
    """A day (`date`) or a range (`from`, `to`), as far back as numbers are kept; without any, today."""
    with view.transaction() as connection:
        span = span_of(connection, view.request.query_params, view.runtime.settings.partition_start)
    return _day(view, span) if span.is_day else _range(view, span)


@router.get("/stats/live")
def live(view: Viewer) -> Response:
    """The part of a day's page that refreshes itself: both tracks, and how a refresh of them goes."""
    first = view.runtime.settings.partition_start
    day = require_partition(days.day_asked(view.request.query_params.get("date", "")), first)
    return view.page("stats/tracks.html", facts=_facts(view, day))


@router.get("/stats/days")
def numbers(view: Viewer) -> Response:
    """Every day of a range as a list, with exports; without a range the last 31 days."""
    wanted = asked(view.request, sorts=("date",), default_sort="-date")
    with view.transaction() as connection:
        span = span_of(connection, view.request.query_params, view.runtime.settings.partition_start, days_back=30)
        trend = read_trend(connection, span.first, span.last)
    rows = trend[::-1] if wanted.descending else trend
    found = listing(
        view, "days", "stats", wanted, DAY_COLUMNS, lambda limit, offset: (rows[offset : offset + limit], len(rows))
    )
    return found if isinstance(found, Response) else view.page("stats/days.html", days=found, span=span)


def _day(view: View, span: Span) -> Response:
    day = span.first
    with view.transaction() as connection:
        hours = store.read_hours(connection, day)
        agents = store.read_agents(connection, day, limit=AGENTS_SHOWN)
        changes = [one for track in TRACKS for one in changes_of(connection, track, day)]
        lately = read_trend(connection, day - dt.timedelta(days=SPARK_DAYS - 1), day)
        facts = read_day_facts(connection, day)
    changes.sort(key=lambda one: one.at, reverse=True)
    return view.page(
        "stats/day.html",
        span=span,
        ranges=_ranges(span),
        facts=facts,
        spark=pictures.orders_spark(view, lately),
        spark_days=SPARK_DAYS,
        hours=hours,
        hours_chart=pictures.hours(view, hours) if hours else None,
        agents=agents,
        names=view.runtime.settings.agent_names,
        changes=changes[:CHANGES_SHOWN],
        changes_left=max(0, len(changes) - CHANGES_SHOWN),
    )


def _facts(view: View, day: dt.date) -> DayFacts:
    def read() -> DayFacts:
        with view.transaction() as connection:
            return read_day_facts(connection, day)

    return view.shared(("stats day", day), FRESH_S, read)


def _range(view: View, span: Span) -> Response:
    with view.transaction() as connection:
        trend = read_trend(connection, span.first, span.last)
        hours = ranges.hours_of(connection, span.first, span.last)
        weekdays = ranges.weekday_hours_of(connection, span.first, span.last)
        agents = ranges.agents_of(connection, span.first, span.last, limit=AGENTS_SHOWN)
        held = held_store.held(connection, limit=20)
    return view.page(
        "stats/range.html",
        span=span,
        ranges=_ranges(span),
        totals=totals_of(trend),
        trend=trend if len(trend) <= DAYS_AS_TABLE else None,
        tones=TONES,
        orders_chart=pictures.orders_trend(view, trend),
        rates_chart=pictures.rates_trend(view, trend),
        hours=hours,
        hours_chart=pictures.hours(view, hours) if hours else None,
        weekdays_chart=pictures.weekday_hours(view, weekdays) if weekdays else None,
        weekdays=weekdays,
        agents=agents,
        names=view.runtime.settings.agent_names,
        held=held,
    )


def _ranges(span: Span) -> Sequence[tuple[int, str]]:
    return [(count, up_to_today(count, span.today)) for count in RANGES]


def _standing(standing: str) -> State:
    return State(f"stats.standing_{standing.replace(' ', '_')}", TONES[standing])
