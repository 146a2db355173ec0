"""The best time to call from end to end: planned by hour, taken by the gateway, reported by Guanke, joined, learned from."""

from __future__ import annotations

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.analysis.best_time.learning import learn
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.runtime import Runtime
from calling_pipeline.simulator.app import create_app
from calling_pipeline.simulator.world import MEMORY, World
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import Simulator

MONDAY = dt.date(2026, 11, 23)
WANTED = {"goal": "connected", "explore": 0.5}
CALLS = 60
LEARNED = """
SELECT hour, sum(calls)::int AS calls, sum(successes)::int AS successes
FROM best_time_rates WHERE weekday = 1 AND province <> '' AND calls > 0 GROUP BY 1 ORDER BY 1
"""
CALLED = """
SELECT extract(HOUR FROM called_at AT TIME ZONE 'Asia/Shanghai')::int AS hour, count(*)::int AS calls,
    count(*) FILTER (WHERE result = 'connected')::int AS successes
FROM call_results WHERE result <> 'waiting' GROUP BY 1 ORDER BY 1
"""

PLANNED = """
SELECT extract(HOUR FROM slot AT TIME ZONE 'Asia/Shanghai')::int, count(*)::int FROM call_tasks GROUP BY 1 ORDER BY 1
"""


def at(hour, minute=0):
    return dt.datetime.combine(MONDAY, dt.time(hour, minute), days.SHANGHAI)


@pytest.fixture
def clock():
    now = [at(18, 30)]
    days.set_clock(lambda: now[0])
    yield now
    days.set_clock(None)


@pytest.fixture
def desk(engine, app_settings, clock):
    """A desk whose Guanke learns of the calls that the gateway took."""
    with served(create_app(World(records_per_day=0, pushed_calls=MEMORY))) as url:
        pointed = app_settings.model_copy(update={"guanke_base_url": f"{url}/guanke"})
        yield make_desk(engine, pointed, Simulator(url))


def test_calls_planned_by_hour_come_back_as_the_rates_of_their_hours(desk, clock):
    desk.work_orders([phone(number) for number in range(CALLS)])
    desk.task(policy={"preset": "list_only", "hours": "08:00-21:00"}, best_time=WANTED)
    batch = desk.plan()
    for hour in (19, 20):
        assert desk.push(batch).state == "waiting"
        clock[0] = at(hour, 1)
    assert desk.push(batch).state == "completed"
    clock[0] = at(23)
    runtime = Runtime(desk.settings, engine=desk.engine)
    sync_days(desk.engine, guanke_client(runtime), "grade", (MONDAY,), sync_type="manual", phone_key=runtime.phone_key)
    with runtime.transaction() as connection:
        assert join_day(connection, MONDAY, JoinRules.of(desk.settings, runtime.phone_keys)).pushed == CALLS
        assert [one.calls for one in learn(connection)] == [CALLS]
    runtime.close()
    called = desk.rows(CALLED)
    assert [row.hour for row in called] == [18, 19, 20]
    assert sum(row.successes for row in called) > 0
    assert desk.rows(LEARNED) == called
    assert [tuple(row) for row in desk.rows(PLANNED)] == [(row.hour, row.calls) for row in called]
    counted = desk.rows("SELECT ordered + exploring, ordered_successes + exploring_successes FROM best_time_batches")
    assert counted == []  # the batch is judged two days later, when late records are there
    clock[0] += dt.timedelta(days=2)
    with desk.engine.begin() as connection:
        learn(connection)
    [(made, won)] = desk.rows("SELECT ordered + exploring, ordered_successes + exploring_successes FROM best_time_batches")
    assert (made, won) == (CALLS, sum(row.successes for row in called))
