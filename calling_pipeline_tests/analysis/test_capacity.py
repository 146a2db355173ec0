"""What the analysis of capacity says of facts: lines needed, refusals beside them, and clicks again and again."""

from __future__ import annotations

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.analysis.capacity.engset import refusals_of_pool
from calling_pipeline.analysis.capacity.facts import facts_of
from calling_pipeline.analysis.capacity.planning import capacity, judged
from calling_pipeline.analysis.registry import Question
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.pool.line_counts.records import LineHour
from calling_pipeline.telephony.refusals.store import Refused

HOUR = dt.datetime(2026, 11, 23, 10, tzinfo=days.SHANGHAI)
DAY = HOUR.date()


def facts(*, refused=0, again=0, lines=8, collectors=20):
    """Hours in which twenty collectors talk 200 s, then pause 300 s: 144 calls an hour."""
    hours = [
        LineHour(HOUR + dt.timedelta(hours=back), 1, 144, 100, 144, 144 * 200, 20_000, 144, 144 * 300, collectors, 8)
        for back in range(5)
    ]
    return facts_of(1, hours, [Refused(1, HOUR, "none_free", refused, again)], cool_down_s=10, lines=lines)


def figures(found, **asked):
    said = judged(Question(DAY, DAY, tenant_id=1), found, found.times, **{"wanted": 1.0, "lines": found.lines, **asked})
    return {one.name: one.value for one in said.figures}, [one.name for one in said.notes], said


def test_durations_pauses_and_present_collectors_come_from_the_hours():
    found = facts()
    assert (found.times.busy_s, found.times.cool_down_s, found.times.pause_s) == (200, 10, 300)
    assert {one.present for one in found.hours} == {20}
    assert facts(refused=144).times.pause_s == pytest.approx(300 * 5 / 6)  # pauses that refusals cut in two are shorter
    assert facts(refused=144, again=144).times.pause_s == 300


def test_the_lines_needed_are_the_fewest_that_keep_to_the_wanted_share():
    found = facts()
    shares = refusals_of_pool(20, found.times, 20)
    said, _, _ = figures(found, wanted=2.0)
    assert shares[said["lines_needed"]] <= 0.02 < shares[said["lines_needed"] - 1]
    assert said["expected"] == pytest.approx(100 * shares[8], abs=0.01)
    assert figures(found, lines=12)[0]["expected"] < said["expected"]
    assert "capacity_what_if" in figures(found, lines=12)[1]


def test_clicks_again_and_again_are_said_and_counted_apart():
    said, notes, _ = figures(facts(refused=100, again=60))
    assert "clicks_again" in notes
    assert said["refused_rate"] == pytest.approx(100 * 100 / 820, abs=0.01)
    assert said["first_refused_rate"] == pytest.approx(100 * 40 / 760, abs=0.01)
    assert "clicks_again" not in figures(facts(refused=100, again=10))[1]


def test_the_curve_falls_and_ends_where_next_to_nothing_is_refused():
    table = figures(facts())[2].tables[0].documents
    expected = [row["expected"] for row in table]
    assert expected == sorted(expected, reverse=True)
    assert table[-1]["expected_busiest"] <= 0.01
    assert all(0 < row["lines_used"] <= 100 for row in table)


@pytest.mark.parametrize("options", [{"wanted": "x"}, {"wanted": "0"}, {"wanted": "101"}, {"lines": "-1"}, {"lines": "nan"}])
def test_an_option_that_is_no_such_number_is_refused(connection, options):
    with pytest.raises(InvalidInput):
        capacity(connection, Question(DAY, DAY, options=options))
