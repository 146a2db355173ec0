"""The business day and the clock."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput

DAY = dt.date(2026, 11, 23)


def test_the_business_day_is_shanghais_for_an_instant_of_any_zone():
    late_evening_utc = dt.datetime(2026, 11, 22, 16, 30, tzinfo=dt.UTC)
    assert days.day_of(late_evening_utc) == DAY
    with days.frozen(late_evening_utc):
        assert days.today() == DAY
        assert days.now().isoformat() == "2026-11-23T00:30:00+08:00"


@pytest.mark.parametrize("text", ["", "today", "2026-2-1", "20261123", "2026-02-30", "2026-11-23 ", "2026-W47-1", None])
def test_only_a_full_date_is_a_day(text):
    with pytest.raises(InvalidInput, match="YYYY-MM-DD"):
        days.parse_day(text)


@pytest.mark.parametrize("text", ["", "Today", "tomorrow", "today ", "2026-02-30"])
def test_a_person_may_say_today_or_yesterday_and_nothing_else_in_words(text):
    late_evening_utc = dt.datetime(2026, 11, 22, 16, 30, tzinfo=dt.UTC)
    with days.frozen(late_evening_utc):
        assert (days.day_asked("today"), days.day_asked("yesterday")) == (DAY, DAY - dt.timedelta(days=1))
        assert days.day_asked("2026-11-01") == dt.date(2026, 11, 1)
    with pytest.raises(InvalidInput, match="YYYY-MM-DD") as refused:
        days.day_asked(text, field="--from")
    assert refused.value.field == "--from"


@given(st.dates(min_value=dt.date(1992, 1, 1)))
def test_a_day_survives_being_written_and_has_24_hours(day):
    assert days.parse_day(day.isoformat()) == day
    if day < dt.date.max:
        start, end = days.day_bounds(day)
        assert end - start == dt.timedelta(hours=24)
        assert days.day_of(start) == day


def test_a_range_the_wrong_way_round_is_refused():
    with pytest.raises(InvalidInput, match="ends before it begins"):
        days.day_range(DAY, DAY - dt.timedelta(days=1))


def test_a_clock_can_start_elsewhere_and_runs_on():
    start = dt.datetime(2030, 1, 1, tzinfo=days.SHANGHAI)
    before = dt.datetime.now(days.SHANGHAI)
    days.set_clock(days.clock_starting_at(start))
    first = days.now()
    assert dt.timedelta() <= first - start <= dt.datetime.now(days.SHANGHAI) - before
    assert days.now() >= first
