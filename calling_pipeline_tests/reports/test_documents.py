"""A report in words: every name it uses is known in both languages, and values are written in one way."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.records import Figure, Note
from calling_pipeline.reports import documents, periods
from calling_pipeline.reports.building import build
from calling_pipeline.reports.page import shown
from calling_pipeline.reports.records import KINDS
from calling_pipeline_tests.reports.support import SUNDAY, hold_day, morning_after, put_day
from calling_pipeline_tests.support import some

PROBES = ("=cmd()", "\U0001f600", "x" * 300, "\u202eabc", "\x00nul")


@pytest.mark.parametrize("kind", some(*KINDS))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_name_of_a_report_has_words_and_names_from_outside_are_texts(connection: sa.Connection, kind, language):
    period = periods.containing(kind, SUNDAY)
    for day in period.days:
        put_day(connection, day, calls=300, connected=100, agents=("a1", "a2", *PROBES[:4]))
    hold_day(connection, SUNDAY)
    with days.frozen(morning_after(period.last)):
        report = build(connection, period, agent_names={"a2": PROBES[4]})
    found = shown(report, language)

    assert found.title.startswith("日报" if (kind, language) == ("daily", "zh") else found.title[0])
    names = {row[1] for row in next(one for one in found.sections if one.name == "agents").tables[0].rows}
    assert {"=cmd()", "\U0001f600", "\N{REPLACEMENT CHARACTER}nul"} <= names
    assert all("\u202e" not in name and "\x00" not in name for name in names)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (1234567, "whole", "1,234,567"),
        (Decimal("7.50"), "number", "7.5"),
        (12.3, "percent", "12.30 %"),
        (3723, "seconds", "1:02:03"),
        (None, "whole", "–"),
        (0, "whole", "0"),
        (dt.datetime(2026, 11, 29, 17, 0, tzinfo=dt.UTC), "moment", "2026-11-30 01:00"),
        (SUNDAY, "day", "2026-11-29"),
        (9, "hour", "09:00"),
    ],
)
def test_a_value_is_written_in_one_way_in_both_languages(value, kind, said):
    assert [documents.written(value, kind, language) for language in ("zh", "en")] == [said, said]


def test_a_comparison_with_fewer_days_is_said_with_its_numbers():
    said = documents.note_said(Note("before_days", {"known": 7, "now": 28}), "zh")
    assert said.startswith("上期有 7 天数据，本期有 28 天")


def test_a_stored_name_that_this_version_does_not_know_is_shown_as_it_is():
    assert documents.note_said(Note("of_long_ago", {"count": 1200}), "zh") == "of_long_ago: count 1,200"
    assert documents.note_said(Note("days_held", {}), "en").startswith("days_held")
    assert [documents.column_name("of_long_ago", "en"), documents.section_name("gone", "zh")] == ["of_long_ago", "gone"]


def test_a_difference_is_in_percent_of_counts_and_in_points_of_rates_and_none_of_nothing():
    assert documents.difference(Figure("calls", 110, "whole", 100), "en") == "+10.0 %"
    assert documents.difference(Figure("connected_rate", 41.5, "percent", 40.0), "en") == "+1.50 points"
    assert documents.difference(Figure("calls", 110, "whole", 0), "en") == ""
    assert documents.difference(Figure("calls", 110, "whole"), "en") == ""
