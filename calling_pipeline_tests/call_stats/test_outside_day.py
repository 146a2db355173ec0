"""A call that the vendor sends for a day and that lies in another one: left out, counted in the proof, judged.

It made the whole day fail with "duplicate key value violates unique constraint pk_hourly_orders", and in an hour without
other calls it was counted in a day on which it was not made.
"""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.facts.store import day_facts
from calling_pipeline.call_stats.quality import calls_lie_in_their_day, fetch_is_complete
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, truth

CALLS = "/task/cdr/all2"
START, NEXT = days.day_bounds(YESTERDAY)
MOMENTS = {
    "23:59:50 the day before": START - dt.timedelta(seconds=10),
    "00:00:50 the day after": NEXT + dt.timedelta(seconds=50),
    "an hour with other calls the day before": START - dt.timedelta(hours=9),
    "an hour with other calls the day after": NEXT + dt.timedelta(hours=15),
    "an hour without calls the day before": START - dt.timedelta(hours=21),
}


def move(guanke, moment, rows=1):
    seconds = int(moment.timestamp())
    guanke.plant("wrong_value", path="page=1&", times=None, field="callTime", value=seconds, rows=rows)


@pytest.mark.parametrize("name", MOMENTS)
def test_it_is_left_out_and_counted_in_the_proof(sync, guanke, connection, name):
    true = truth(guanke)
    move(guanke, MOMENTS[name])
    (result,) = sync("grade")
    assert result.outcome == "stored"
    assert result.stats.total_records == true["total_records"] - 1
    assert (result.proof.outside_day, result.proof.reported_total) == (1, true["total_records"])
    assert result.stats.complete
    assert [reason.rule for reason in result.reasons] == ["outside_day"]
    assert sum(hour.calls for hour in store.read_hours(connection, YESTERDAY)) == result.stats.total_records
    facts = day_facts(connection, YESTERDAY)
    assert fetch_is_complete(facts).passed
    assert not calls_lie_in_their_day(facts).passed
    dates = connection.execute(sa.text("SELECT DISTINCT (called_at AT TIME ZONE 'Asia/Shanghai')::date FROM call_records"))
    assert dates.scalars().all() == [YESTERDAY]


def test_many_of_them_hold_the_day(sync, guanke):
    (before,) = sync("grade")
    move(guanke, MOMENTS["23:59:50 the day before"], rows=60)
    (after,) = sync("grade")
    assert (after.outcome, after.stats.total_records) == ("held", before.stats.total_records)
    assert after.reasons[0].rule == "outside_day"


def test_it_does_not_take_a_call_from_the_day_that_has_it(sync, guanke, connection):
    """The vendor sends a call of the day before, which is stored there, for this day too."""
    sync("grade", YESTERDAY - dt.timedelta(days=1))
    move(guanke, MOMENTS["23:59:50 the day before"])
    sync("grade")
    kept = connection.execute(
        sa.text("SELECT count(*) FROM call_records WHERE date = :day"), {"day": YESTERDAY - dt.timedelta(days=1)}
    ).scalar_one()
    assert kept == truth(guanke, YESTERDAY - dt.timedelta(days=1))["total_records"]


def test_a_day_under_way_with_such_a_call_is_read_in_full_each_time(sync, guanke):
    today = days.today() - dt.timedelta(days=2)
    noon = dt.datetime.combine(today, dt.time(15), days.SHANGHAI)
    move(guanke, days.day_bounds(today)[0] - dt.timedelta(seconds=10))
    for minute in (0, 10):
        with days.frozen(noon + dt.timedelta(minutes=minute)):
            (result,) = sync("grade", today, sync_type="today")
        assert (result.outcome, result.proof.mode, result.proof.outside_day) == ("stored", "full", 1)
        assert result.stats.complete
