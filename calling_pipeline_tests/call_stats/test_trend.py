"""The trend of days: means over seven known days, the week before, and each day as it stands."""

import datetime as dt
from dataclasses import fields, replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_stats.ranges.store import weekday_hours_of
from calling_pipeline.call_stats.ranges.views import range_view
from calling_pipeline.call_stats.trend import store
from calling_pipeline.call_stats.trend.records import StoredDay
from calling_pipeline.call_stats.trend.trend import ENOUGH_OF_A_WEEK, read_trend, trend_of, trend_view
from calling_pipeline_tests.call_stats.conftest import YESTERDAY

BEFORE = YESTERDAY - dt.timedelta(days=1)
TODAY = dt.date(2026, 11, 24)
NOON = dt.datetime.combine(TODAY, dt.time(12), days.SHANGHAI)
_UNKNOWN: dict[str, Any] = {one.name: False if one.type == "bool" else None for one in fields(StoredDay)}
NOTHING = StoredDay(**{**_UNKNOWN, "date": TODAY})


def stored_days(orders):
    """Consecutive days up to yesterday, with so many orders each; None: never read."""
    known: dict[str, Any] = {"total_records": 1000, "connected_rate": 50.0}
    first = TODAY - dt.timedelta(days=len(orders))
    return [
        replace(NOTHING, date=first + dt.timedelta(days=place), total_success=count, **({} if count is None else known))
        for place, count in enumerate(orders)
    ]


@given(st.lists(st.none() | st.integers(0, 1000), max_size=40))
def test_a_mean_is_that_of_the_known_days_of_the_last_seven_or_none_with_too_few(orders):
    found = trend_of(stored_days(orders), NOON)
    for place, one in enumerate(found):
        known = [count for count in orders[max(0, place - 6) : place + 1] if count is not None]
        if len(known) < ENOUGH_OF_A_WEEK:
            assert one.orders_mean_7 is None
        else:
            assert one.orders_mean_7 == pytest.approx(sum(known) / len(known), abs=0.006)
        assert one.orders_week_before == (orders[place - 7] if place >= 7 else None)


def test_a_day_under_way_is_in_no_mean():
    found = trend_of([*stored_days([10] * 7), replace(NOTHING, total_success=1, total_records=10)], NOON)
    assert [one.under_way for one in found] == [False] * 7 + [True]
    assert found[-1].orders_mean_7 == 10
    assert found[-1].order_rate == 10


def test_a_day_without_calls_has_no_rate_and_one_never_read_is_missing():
    first, second = trend_of(
        [replace(NOTHING, date=BEFORE), replace(NOTHING, date=YESTERDAY, total_success=0, total_records=0)], days.now()
    )
    assert (first.grade, second.grade, second.task) == ("missing", "kept", "missing")
    assert second.order_rate is None


def test_the_trend_has_the_numbers_and_standings_of_the_range(sync, guanke, engine):
    sync("grade", BEFORE, YESTERDAY)
    sync("task", YESTERDAY)
    guanke.plant("unknown_grades", path="/task/cdr/all2", times=None, rows=400, text="九元")
    sync("grade", YESTERDAY)
    with engine.connect() as connection:
        trend = trend_view(read_trend(connection, BEFORE - dt.timedelta(days=1), YESTERDAY))
        for track in ("task", "grade"):
            shown = range_view(connection, track, days.day_range(BEFORE - dt.timedelta(days=1), YESTERDAY))
            assert [day["standing"][track] for day in trend] == [day["standing"] for day in shown]
            name = "total_success" if track == "grade" else "connected_rate"
            assert [day[name] for day in trend] == [day[name] for day in shown]
    assert [day["standing"]["grade"] for day in trend] == ["missing", "complete", "held"]


def test_four_hundred_days_are_one_statement(engine):
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO daily_history (date, grade_9, grade_1, total_success, total_records, grade_calculated_at,"
                " grade_sync_type, grade_fetch_number, updated_at)"
                " SELECT day, 9, 1, 10, 100, now(), 'historical', 1, now()"
                " FROM generate_series(cast(:first AS timestamp), cast(:last AS timestamp), interval '1 day') AS day"
            ),
            {"first": YESTERDAY - dt.timedelta(days=399), "last": YESTERDAY},
        )
        trend = read_trend(connection, YESTERDAY - dt.timedelta(days=399), YESTERDAY)
        explained = connection.execute(sa.text(f"EXPLAIN {store._DAYS}"), {"first": BEFORE, "last": YESTERDAY})
        plan = "\n".join(explained.scalars())
    assert len(trend) == 400
    assert {one.grade for one in trend} == {"kept"}
    assert "call_records" not in plan


def test_weekdays_and_hours_add_up_to_the_days(sync, engine):
    results = sync("grade", BEFORE, YESTERDAY)
    with engine.connect() as connection:
        found = weekday_hours_of(connection, BEFORE, YESTERDAY)
    assert {one.weekday for one in found} == {BEFORE.isoweekday(), YESTERDAY.isoweekday()}
    assert {one.days for one in found} == {1}
    assert sum(one.orders for one in found) == sum(result.stats.total_success for result in results)
