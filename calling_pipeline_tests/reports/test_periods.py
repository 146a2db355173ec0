"""Periods: what their names mean, what they are compared with, and when they end."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import periods
from calling_pipeline.reports.records import KINDS

DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 31))


@given(kind=st.sampled_from(KINDS), day=DAYS)
def test_a_period_is_found_again_by_its_label_and_periods_follow_each_other_without_a_gap(kind, day):
    period = periods.containing(kind, day)
    assert period.first <= day <= period.last
    assert periods.named(kind, period.label, day) == period
    assert periods.named(kind, day.isoformat(), day) == period
    assert periods.after(period).first == period.last + dt.timedelta(days=1)
    assert periods.before(periods.after(period)) == period


def test_a_week_belongs_to_the_year_of_its_thursday():
    assert periods.containing("weekly", dt.date(2026, 1, 1)).label == "2026-W01"
    assert periods.containing("weekly", dt.date(2027, 1, 1)).label == "2026-W53"


def test_a_day_is_compared_with_the_same_weekday_and_a_month_with_the_month_before():
    assert periods.compared(periods.containing("daily", dt.date(2026, 11, 29))).label == "2026-11-22"
    assert periods.compared(periods.containing("monthly", dt.date(2026, 3, 31))).label == "2026-02"


@pytest.mark.parametrize("text", ["2026-W54", "2026-13", "yesterdays", "2026-11-31", "x" * 300])
def test_what_names_no_period_is_refused_with_the_form_it_has(text):
    for kind in KINDS:
        with pytest.raises(InvalidInput, match="write it as"):
            periods.named(kind, text, dt.date(2026, 11, 30))


def test_last_is_the_newest_period_that_is_over():
    today = dt.date(2026, 11, 30)
    assert [periods.named(kind, "last", today).label for kind in KINDS] == ["2026-11-29", "2026-W48", "2026-10"]
