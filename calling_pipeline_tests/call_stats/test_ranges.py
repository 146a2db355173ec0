"""Several days at once: each shown as it stands, holes and held days among them, by one read for all doors."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import retention, store, views
from calling_pipeline.call_stats.ranges import store as ranges
from calling_pipeline.call_stats.ranges.views import FIGURES, range_view, require_range
from calling_pipeline.call_stats.tables import fetch_proofs
from calling_pipeline.errors import InvalidInput
from calling_pipeline_tests.call_stats.conftest import YESTERDAY

BEFORE, OLDEST = YESTERDAY - dt.timedelta(days=1), YESTERDAY - dt.timedelta(days=2)
THREE = days.day_range(OLDEST, YESTERDAY)


def shown(engine, track, wanted=THREE):
    with engine.connect() as connection:
        return range_view(connection, track, wanted)


def standings(engine, track, wanted=THREE):
    return [day["standing"] for day in shown(engine, track, wanted)]


def cached_day(engine, track, day):
    with engine.connect() as connection:
        stats = store.read_day(connection, track, day)
    assert stats is not None
    return views.day_view(stats, from_cache=True, elapsed_s=0)


@pytest.mark.parametrize("track", ["task", "grade"])
def test_a_range_shows_every_day_as_a_look_at_that_day_does_and_marks_the_holes(sync, engine, track):
    sync(track, OLDEST, YESTERDAY)
    found = shown(engine, track)
    assert [(day["date"], day["standing"], day["source"]) for day in found] == [
        (OLDEST, "complete", "cache"),
        (BEFORE, "missing", None),
        (YESTERDAY, "complete", "cache"),
    ]
    changing = {"age_s": None, "elapsed_time": None}
    for day in (found[0], found[2]):
        assert day | changing == cached_day(engine, track, day["date"]) | changing | {
            "source": "cache",
            "standing": "complete",
        }
    assert found[0].keys() - found[1].keys() <= {"elapsed_time"}
    assert [found[1][name] for name in FIGURES[track]] == [None] * len(FIGURES[track])


def test_a_held_day_shows_the_numbers_that_stand_and_why_the_newer_ones_do_not(sync, engine, guanke):
    sync("grade", *THREE)
    before = shown(engine, "grade")[1]["total_success"]
    guanke.plant("unknown_grades", path="/task/cdr/all2", times=None, rows=400, text="?")
    sync("grade", BEFORE)
    assert standings(engine, "grade") == ["complete", "held", "complete"]
    held = shown(engine, "grade")[1]
    assert (held["total_success"], held["held"]["reasons"][0]["rule"]) == (before, "unknown_grades")
    assert held["last_attempt"]["outcome"] == "held"


def test_a_day_never_read_says_what_its_failed_attempt_met(sync, engine, guanke):
    guanke.plant("garbage", path="/task/cdr/all2", times=None)
    with pytest.raises(Exception, match="no JSON"):
        sync("grade", BEFORE)
    missing = shown(engine, "grade")[1]
    assert (missing["standing"], missing["last_attempt"]["outcome"]) == ("missing", "failed")


@pytest.mark.parametrize("track", ["task", "grade"])
def test_days_that_the_caches_have_let_go_are_shown_as_they_are_kept(sync, engine, track):
    sync(track, *THREE)
    before = shown(engine, track)
    later = dt.datetime.combine(OLDEST + dt.timedelta(days=30), dt.time(3, 30), days.SHANGHAI)
    with engine.begin() as connection:
        retention.prune(connection, now=later, cache_days=30, record_days=90)
    after = shown(engine, track)
    assert [day["standing"] for day in after] == ["kept", "complete", "complete"]
    kept = {name: after[0][name] for name in (*FIGURES[track], "calculated_at", "sync_type")}
    assert kept.items() <= before[0].items()
    assert (after[0]["source"], after[0]["complete"], after[0]["mode"]) == ("history", None, None)


def test_a_day_whose_other_track_alone_is_kept_is_missing(sync, engine):
    sync("task", BEFORE)
    assert standings(engine, "grade", [BEFORE]) == ["missing"]


def test_a_cached_day_whose_proof_says_less_than_the_whole_is_incomplete(sync, engine):
    sync("grade", BEFORE)
    with engine.begin() as connection:
        connection.execute(sa.update(fetch_proofs).values(reported_total=fetch_proofs.c.distinct_ids + 1))
    assert standings(engine, "grade", [BEFORE]) == ["incomplete"]


def test_a_day_that_no_sync_was_due_for_is_not_missing(engine):
    day = dt.date(2026, 11, 22)
    with days.frozen(dt.datetime.combine(day, dt.time(8, 50), days.SHANGHAI)):
        assert standings(engine, "grade", [day - dt.timedelta(days=1), day]) == ["missing", "not due"]
    with days.frozen(dt.datetime.combine(day, dt.time(9, 16), days.SHANGHAI)):
        assert standings(engine, "grade", [day]) == ["missing"]


def test_agents_and_hours_of_a_range_are_the_sums_of_its_days(sync, engine):
    sync("grade", *THREE)
    with engine.connect() as connection:
        agents = ranges.agents_of(connection, OLDEST, YESTERDAY)
        hours = ranges.hours_of(connection, OLDEST, YESTERDAY)
        by_agent = [one for day in THREE for one in store.read_agents(connection, day)]
        by_hour = [one for day in THREE for one in store.read_hours(connection, day)]
    for total in agents:
        of_one = [one for one in by_agent if one.agent_id == total.agent_id]
        assert (total.days, total.orders) == (len(of_one), sum(one.orders for one in of_one))
        assert (total.calls, total.talk_s) == (sum(one.calls for one in of_one), sum(one.talk_s for one in of_one))
    for hour in hours:
        of_it = [one for one in by_hour if one.hour == hour.hour]
        assert (hour.days, hour.calls) == (len(of_it), sum(one.calls for one in of_it))
        assert hour.orders == sum(one.orders for one in of_it)
    assert [total.position for total in agents] == list(range(1, len(agents) + 1))
    named = [total.orders for total in agents if total.agent_id]
    assert named == sorted(named, reverse=True)


def test_a_range_may_begin_where_the_kept_history_does_and_end_today(sync, engine):
    sync("task", OLDEST)
    today = days.today()
    with engine.connect() as connection:

        def asked(first, last):
            return require_range(connection, str(first), str(last), YESTERDAY, options=("from", "to"))

        assert asked(OLDEST, today) == days.day_range(OLDEST, today)
        with pytest.raises(InvalidInput, match=f"from {OLDEST - dt.timedelta(days=1)} is outside the days there are"):
            asked(OLDEST - dt.timedelta(days=1), today)
        with pytest.raises(InvalidInput, match=r"to .* is outside"):
            asked(OLDEST, today + dt.timedelta(days=1))
        with pytest.raises(InvalidInput, match="ends before it begins"):
            asked(YESTERDAY, OLDEST)
        with pytest.raises(InvalidInput, match="to 'soon' is not a date"):
            asked(YESTERDAY, "soon")
