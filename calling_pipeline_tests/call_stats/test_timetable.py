"""The timetable: exactly its minutes, and when a day is refreshed next."""

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.call_stats.timetable import TIMETABLE, last_sync_due, next_sync_at, sync_window

DAY = dt.date(2026, 11, 20)


def at(text, day=DAY):
    return dt.datetime.combine(day, dt.time.fromisoformat(text), days.SHANGHAI)


def test_the_timetable_is_the_one_the_operators_asked_for():
    assert {entry.name: entry.cron for entry in TIMETABLE} == {
        "task_stats_t10": "0 7 * * *",
        "task_stats_t3": "0 1,10,15,21 * * *",
        "task_stats_today": "0 9-23 * * *",
        "grade_stats_t10": "5 7 * * *",
        "grade_stats_t3": "5 1,10,15,21 * * *",
        "grade_stats_today": "*/10 9-23 * * *",
    }


@pytest.mark.parametrize(
    ("track", "days_ago", "now", "expected"),
    [
        ("grade", 0, "09:04", "09:10"),
        ("grade", 0, "09:10", "09:20"),
        ("grade", 0, "03:00", "09:00"),
        ("task", 0, "09:00", "10:00"),
        ("grade", 1, "09:04", "10:05"),
        ("grade", 3, "15:05", "21:05"),
        ("task", 3, "00:30", "01:00"),
    ],
)
def test_the_next_refresh_of_a_day_the_same_day(track, days_ago, now, expected):
    assert next_sync_at(track, DAY - dt.timedelta(days=days_ago), at(now)) == at(expected)


def test_after_the_last_tick_of_today_the_next_refresh_is_in_the_night():
    assert next_sync_at("grade", DAY, at("23:50")) == at("01:05", DAY + dt.timedelta(days=1))


def test_a_day_beyond_t3_is_refreshed_at_seven_and_one_beyond_t10_never():
    assert next_sync_at("grade", DAY - dt.timedelta(days=5), at("08:00")) == at("07:05", DAY + dt.timedelta(days=1))
    assert next_sync_at("grade", DAY - dt.timedelta(days=10), at("06:00")) == at("07:05")
    assert next_sync_at("grade", DAY - dt.timedelta(days=10), at("08:00")) is None
    assert next_sync_at("task", DAY - dt.timedelta(days=40), at("08:00")) is None


def test_a_day_to_come_is_first_read_on_that_day():
    tomorrow = DAY + dt.timedelta(days=1)
    assert next_sync_at("task", tomorrow, at("12:00")) == at("09:00", tomorrow)


def test_the_last_tick_that_is_due_allows_for_the_time_a_sync_takes():
    assert last_sync_due("grade", DAY, at("09:14")) is None
    assert last_sync_due("grade", DAY, at("09:15")) == at("09:00")
    assert last_sync_due("task", DAY - dt.timedelta(days=1), at("07:10")) == at("01:00")
    assert last_sync_due("task", DAY - dt.timedelta(days=1), at("07:16")) == at("07:00")
    assert last_sync_due("task", DAY - dt.timedelta(days=30), at("07:16")) is None


@pytest.mark.parametrize(
    ("sync_type", "first", "last"),
    [
        ("long_historical", dt.date(2026, 11, 10), dt.date(2026, 11, 19)),
        ("historical", dt.date(2026, 11, 17), dt.date(2026, 11, 19)),
        ("today", DAY, DAY),
    ],
)
def test_windows_are_ten_days_three_days_and_today(sync_type, first, last):
    assert sync_window(sync_type, DAY) == (first, last)
