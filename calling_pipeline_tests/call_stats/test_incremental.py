"""Today is read incrementally; the whole-day total and a full read prove that it equals reading it all."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.facts.store import day_facts
from calling_pipeline.call_stats.quality import increments_equal_a_full_read
from calling_pipeline.call_stats.sync.plan import plan_read
from calling_pipeline.errors import InvalidInput
from calling_pipeline_tests.call_stats.conftest import act, truth
from calling_pipeline_tests.support import http

TODAY = days.today() - dt.timedelta(days=2)
"""A day long past on the simulator's clock, so that all of its calls are there; the syncs' clock is set within it."""


def at(hour, minute=0):
    return dt.datetime.combine(TODAY, dt.time(hour, minute), days.SHANGHAI)


def true_until(guanke, instant):
    return truth(guanke, TODAY, as_of=(instant - dt.timedelta(seconds=1)).isoformat())


def numbers(cached):
    return (cached.grade_9, cached.grade_1, cached.total_records)


@pytest.fixture
def today_sync(sync):
    def run(instant, **options):
        with days.frozen(instant):
            return sync("grade", TODAY, sync_type="today", **options)[0]

    return run


def test_the_first_read_of_today_is_full_and_the_next_reads_only_the_overlap(today_sync, guanke):
    act(guanke, "size", date=TODAY.isoformat(), calls=20_000)
    first, second = today_sync(at(15)), today_sync(at(15, 10))
    assert (first.proof.mode, second.proof.mode) == ("full", "incremental")
    true = true_until(guanke, at(15, 10))
    assert numbers(second.stats) == (true["grade_9"], true["grade_1"], true["total_records"])
    assert second.proof.window_start == first.proof.window_end - dt.timedelta(hours=1)
    assert second.proof.rows_fetched < first.proof.rows_fetched / 3
    assert second.proof.reported_total == second.proof.distinct_ids == true["total_records"]
    assert second.stats.complete


def test_today_is_read_in_full_again_every_hour(today_sync):
    modes = [today_sync(at(14, minute)).proof.mode for minute in (0, 10, 20, 30, 40, 50)]
    assert modes == ["full", *["incremental"] * 5]
    assert today_sync(at(15)).proof.mode == "full"


def test_the_first_tick_of_a_clock_hour_reads_in_full_however_recent_the_last_full_read_was(today_sync):
    """After a full read at 15:20 the tick of 16:20 was incremental: corrections were seen after seventy minutes."""
    modes = {}
    for hour, minute in ((15, 20), (15, 50), (16, 0), (16, 20)):
        result = today_sync(at(hour, minute))
        modes[hour, minute] = (result.proof.mode, result.proof.full_read_at)
    assert modes == {
        (15, 20): ("full", at(15, 20)),
        (15, 50): ("incremental", at(15, 20)),
        (16, 0): ("full", at(16)),
        (16, 20): ("incremental", at(16)),
    }


def test_a_full_read_at_the_end_of_an_hour_does_not_save_the_next_ones(today_sync):
    today_sync(at(15, 20))
    assert today_sync(at(16, 20)).proof.mode == "full"


def test_an_incremental_read_says_what_it_cannot_have_seen_and_keeps_the_warnings_before_it(today_sync, guanke):
    guanke.plant("unknown_grades", path="/task/cdr/all2", times=1, rows=1, text="G")
    first = today_sync(at(15))
    assert [warning["rule"] for warning in first.stats.proof.warnings] == ["unknown_grades"]
    guanke.clear_faults()
    second = today_sync(at(15, 10))
    assert second.proof.mode == "incremental"
    rules = {warning["rule"]: warning["sentence"] for warning in second.stats.proof.warnings}
    assert rules.keys() == {"unknown_grades", "incremental_read"}
    assert "calls before 13:59 were last read in full at 15:00" in rules["incremental_read"]


def test_a_full_read_can_be_ordered(today_sync):
    today_sync(at(15))
    assert today_sync(at(15, 10), full_read=True).proof.mode == "full"


def test_a_whole_day_of_ticks_ends_with_the_numbers_of_one_full_read(today_sync, sync, guanke, engine):
    for hour in (9, 12, 15, 18):
        for minute in (0, 30):
            result = today_sync(at(hour, minute))
            true = true_until(guanke, at(hour, minute))
            assert numbers(result.stats) == (true["grade_9"], true["grade_1"], true["total_records"])
    with engine.begin() as connection:
        before = connection.execute(sa.text("SELECT * FROM call_records ORDER BY id")).all()
    with days.frozen(at(18, 30)):
        (full,) = sync("grade", TODAY)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT * FROM call_records ORDER BY id")).all() == before
    assert (full.proof.mode, full.proof.late_rows, full.proof.rows_changed) == ("full", 0, 0)


def test_corrections_within_the_overlap_are_found_by_the_next_tick(today_sync, guanke):
    today_sync(at(15))
    moments = true_until(guanke, at(14, 30))["total_records"]
    act(guanke, "correct", date=TODAY.isoformat(), grade="9元", order=9, rows=5, **{"from": moments})
    second = today_sync(at(15, 10))
    assert second.proof.mode == "incremental"
    assert second.stats.grade_9 == true_until(guanke, at(15, 10))["grade_9"]


def test_corrections_between_two_full_reads_are_no_drift_of_incremental_ones(today_sync, guanke, connection):
    """A repaired day warned once more: what the rerun corrected was taken for what an incremental read had missed."""
    today_sync(at(15))
    act(guanke, "correct", date=TODAY.isoformat(), grade="9元", order=9, rows=60)
    full = today_sync(at(16, 5))
    assert (full.proof.mode, full.proof.late_rows) == ("full", 0)
    assert full.proof.rows_changed >= 50
    assert increments_equal_a_full_read(day_facts(connection, TODAY)).passed


def test_older_corrections_are_found_by_the_full_read_and_reported_as_drift(today_sync, guanke, connection):
    today_sync(at(15))
    act(guanke, "correct", date=TODAY.isoformat(), grade="9元", order=9, rows=60)
    today_sync(at(15, 10))
    full = today_sync(at(16))
    assert full.stats.grade_9 == true_until(guanke, at(16))["grade_9"]
    assert full.proof.late_rows >= 50
    verdict = increments_equal_a_full_read(day_facts(connection, TODAY))
    assert not verdict.passed
    assert verdict.numbers["differing_rows"] == full.proof.late_rows


def test_a_call_that_appears_before_the_overlap_makes_the_tick_read_everything(today_sync, guanke, engine):
    today_sync(at(15))
    with engine.begin() as connection:
        connection.execute(
            sa.text("DELETE FROM call_records WHERE id = (SELECT id FROM call_records ORDER BY called_at LIMIT 1)")
        )
    second = today_sync(at(15, 10))
    assert second.proof.mode == "full"
    assert second.stats.total_records == true_until(guanke, at(15, 10))["total_records"]


def test_a_manual_sync_always_reads_everything(today_sync, sync):
    today_sync(at(15))
    with days.frozen(at(15, 10)):
        assert sync("grade", TODAY, sync_type="manual")[0].proof.mode == "full"


def test_the_upper_bound_is_frozen_at_the_last_whole_second():
    plan = plan_read(TODAY, "manual", at(15) + dt.timedelta(milliseconds=700), None, None)
    assert plan.end == at(15) - dt.timedelta(seconds=1)
    assert plan_read(TODAY, "manual", at(15) + dt.timedelta(days=4), None, None).end == at(23, 59) + dt.timedelta(seconds=59)


def test_a_day_that_has_not_begun_is_refused():
    with pytest.raises(InvalidInput, match="has not begun"):
        plan_read(TODAY + dt.timedelta(days=1), "manual", at(15), None, None)


def test_an_interrupted_increment_leaves_the_proof_of_the_last_good_read(today_sync, guanke, engine):
    first = today_sync(at(15))
    guanke.plant("status", path="/task/cdr/all2", times=None, status=500, retry_after=0)
    with pytest.raises(Exception, match="HTTP 500"):
        today_sync(at(15, 10))
    with engine.connect() as connection:
        assert store.latest_proof(connection, "grade", TODAY) == first.proof
        assert store.read_grade_day(connection, TODAY) == first.stats


def test_served_requests_show_what_an_increment_costs(today_sync, guanke):
    act(guanke, "size", date=TODAY.isoformat(), calls=20_000)
    today_sync(at(15))
    before = http.get(f"{guanke.url}/guanke/_sim/served").json()["calls"]
    today_sync(at(15, 10))
    assert http.get(f"{guanke.url}/guanke/_sim/served").json()["calls"] - before <= 6
