"""The forecast over stored days: holidays, held, incomplete and missing days count for nothing, and are said to."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.registry import Question
from calling_pipeline.call_stats.tables import daily_history, grade_stats_cache, held_days
from calling_pipeline.contact_policy import store as policy_store

TODAY = dt.date(2026, 11, 23)
YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
WEEK = dt.timedelta(weeks=1)
OF_TOMORROW = {1: 5000, 2: 9000, 3: 100, 4: 120}
"""Weeks before → calls of that day: a holiday, a held day, and two days that count."""
OF_TODAY = {1: 8000, 3: 200, 4: 220}
"""An incomplete day, one that was never read, and two days that count."""
LEFT_OUT = [TOMORROW - WEEK, TOMORROW - 2 * WEEK, TODAY - WEEK, TODAY - 2 * WEEK]


@pytest.fixture
def clock():
    days.set_clock(lambda: dt.datetime.combine(TODAY, dt.time(12), days.SHANGHAI))
    yield
    days.set_clock(None)


@pytest.fixture
def stored(connection, clock):
    """Twelve weeks up to yesterday with a hundred calls on each, but for the days above."""
    calls = dict.fromkeys(days.day_range(TOMORROW - 12 * WEEK, YESTERDAY), 100)
    for day, weeks in ((TOMORROW, OF_TOMORROW), (TODAY, OF_TODAY)):
        calls |= {day - before * WEEK: number for before, number in weeks.items()}
    del calls[TODAY - 2 * WEEK]
    read = {
        "grade_calculated_at": days.now(),
        "grade_sync_type": "manual",
        "grade_fetch_number": 1,
        "updated_at": days.now(),
    }
    connection.execute(
        sa.insert(daily_history),
        [
            {"date": day, "total_records": n, "total_success": n // 10, "grade_9": n // 10, "grade_1": 0, **read}
            for day, n in calls.items()
        ],
    )
    policy_store.add_holiday(connection, TOMORROW - WEEK, "a feast")
    held = {"track": "grade", "date": TOMORROW - 2 * WEEK, "state": "open", "fetch_number": 1, "held_at": days.now(),
            "reasons": [], "numbers": {}, "proof": {}}  # fmt: skip
    connection.execute(sa.insert(held_days).values(held))
    cached = {"date": TODAY - WEEK, "grade_9": 800, "grade_1": 0, "total_success": 800, "total_records": 8000,
              "calculated_at": days.now(), "elapsed_time": 1.0, "sync_type": "manual", "fetch_number": 10**6}  # fmt: skip
    connection.execute(sa.insert(grade_stats_cache).values(cached))  # without a proof that it is whole
    return connection


def asked(connection, last):
    found = ANALYSES["forecast"].compute(connection, Question(TODAY - 4 * WEEK, last))
    return found, {one.name: one for one in found.figures}, {note.name: note for note in found.notes}


def test_holidays_held_incomplete_and_missing_days_count_for_nothing(stored):
    _, tomorrow, _ = asked(stored, TODAY)
    assert (tomorrow["forecast_calls"].value, tomorrow["forecast_orders"].value) == (110, 11)
    _, today, _ = asked(stored, YESTERDAY)
    assert (today["forecast_calls"].value, today["forecast_orders"].value) == (210, 21)


def test_the_days_left_out_are_counted_and_have_no_number_and_what_was_missed_is_measured_without_them(stored):
    found, figures, notes = asked(stored, TODAY)
    assert notes["forecast_left_out"].values == {"count": len(LEFT_OUT), "days": 12 * 7 - 1}
    shown = {row["day"]: row["calls"] for row in found.tables[0].documents}
    assert [day for day, calls in shown.items() if calls is None] == sorted(LEFT_OUT)
    assert TODAY not in shown  # it is under way
    assert figures["forecast_calls_error_days"].value == 8 * 7 - 1 - len(LEFT_OUT)
    assert figures["forecast_calls"].high < 500  # none of the thousands is among what was missed
    assert "forecast_holiday" not in notes


def test_a_day_that_is_a_holiday_itself_is_marked(stored):
    policy_store.add_holiday(stored, TOMORROW, "another")
    assert asked(stored, TODAY)[2]["forecast_holiday"].severity == "warning"
