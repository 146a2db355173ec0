"""The forecast: the same weekday of four weeks, and what the same rule missed before."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.analysis.forecast.forecast import error_of, predicted

TUESDAY = dt.date(2026, 11, 24)


def weeks(*numbers, day=TUESDAY):
    return {day - dt.timedelta(weeks=n): number for n, number in enumerate(numbers, 1) if number is not None}


def test_it_is_the_median_of_the_same_weekday_of_the_last_four_weeks():
    assert predicted(weeks(10, 20, 90, 30, 5000), TUESDAY) == 25
    assert predicted({**weeks(10, 20, 90, 30), TUESDAY - dt.timedelta(days=1): 7000}, TUESDAY) == 25


def test_days_that_are_left_out_leave_the_others_and_one_alone_says_nothing():
    assert predicted(weeks(10, None, 90, None), TUESDAY) == 50
    assert predicted(weeks(10), TUESDAY) is None


def test_the_error_is_of_the_same_rule_on_days_before_and_sees_nothing_after_them():
    steady = {TUESDAY - dt.timedelta(days=n): 100 for n in range(1, 85)}
    assert error_of(steady, TUESDAY).mean == 0
    jumped = {**steady, TUESDAY - dt.timedelta(days=1): 170}
    found = error_of(jumped, TUESDAY)
    assert found.days == 56
    assert found.mean == round(70 / 56, 1)
    assert error_of({}, TUESDAY).mean is None


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=4))
def test_it_lies_between_the_least_and_the_most_that_it_saw(numbers):
    said = predicted(weeks(*numbers), TUESDAY)
    assert min(numbers) <= said <= max(numbers)
