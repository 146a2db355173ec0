"""The whole way: the gateway takes calls, Guanke reports them, a run of Dagster joins them, a correction repairs the day."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.definitions import build
from calling_pipeline.defs.call_batches.results import CHECKS, stretches
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.runtime import Runtime
from calling_pipeline.simulator.app import create_app
from calling_pipeline.simulator.world import MEMORY, World
from calling_pipeline_tests.analysis.pushed_world import kept
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.call_stats.conftest import act, pg_instance
from calling_pipeline_tests.dagster_support import check_rows, partitions
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import Simulator, http

__all__ = ["pg_instance"]
MONDAY = dt.date(2026, 11, 23)
TEN = dt.datetime.combine(MONDAY, dt.time(10), days.SHANGHAI)


@pytest.fixture
def world():
    """Vendors whose Guanke learns of the calls that their gateway took."""
    days.set_clock(days.clock_starting_at(TEN))
    with served(create_app(World(records_per_day=50, pushed_calls=MEMORY))) as url:
        yield Simulator(url)


@pytest.fixture
def desk(engine, app_settings, world):
    made = make_desk(engine, app_settings.model_copy(update={"guanke_base_url": f"{world.url}/guanke"}), world)
    made.work_orders([phone(number) for number in range(30)])
    made.task()
    return made


@pytest.fixture
def made(desk):
    runtime = Runtime(desk.settings, engine=desk.engine)
    yield runtime
    runtime.close()


def sync(runtime, *wanted):
    client = guanke_client(runtime)
    sync_days(runtime.engine, client, "grade", wanted or (MONDAY,), sync_type="manual", phone_key=runtime.phone_key)


def tick(runtime, instance):
    """What the sensor asks for."""
    [sensor] = [one for one in build(runtime).sensors if one.name == "call_results_due"]
    context = dg.build_sensor_context(instance=instance, resources={"runtime": runtime})
    return sensor(context)


def run(runtime, instance, request):
    job = build(runtime).resolve_job_def("call_results_update")
    return job.execute_in_process(instance=instance, tags=request.tags)


def test_a_push_becomes_a_result_by_one_run_and_a_correction_by_another(desk, made, world, pg_instance):
    batch = desk.run()
    assert "joined with the newest" in tick(made, pg_instance).skip_message  # no records were read
    days.set_clock(days.clock_starting_at(TEN + dt.timedelta(hours=1)))
    sync(made)
    [request] = tick(made, pg_instance)
    assert run(made, pg_instance, request).success
    with desk.engine.connect() as connection:
        results = result_store.of_batches(connection, [batch.id])[batch.id]
        found = kept(connection)
    assert (results.pushed, results.waiting, results.not_dialled, results.difference) == (30, 0, 0, 0)
    truth = {call["realPhone"]: call for call in _records(world) if call["taskId"] == 3007}
    assert len(truth) == 30
    for row in found.values():
        call = truth[row.phone]
        assert (row.result == "connected", row.talk_s) == (call["callState"] == 2, call["duration"])
        assert row.order_yuan == {"9元": 9, "1元": 1}.get(call["grade"], 0)
    daily = daily_partitions(made.settings.partition_start)
    assert partitions(pg_instance, "call_results", daily, [MONDAY]) == {str(MONDAY): "MATERIALIZED"}
    rows = check_rows(pg_instance)
    assert {rows["call_results", check.name, str(MONDAY), "SUCCEEDED"] for check in CHECKS} == {1}
    assert "joined with the newest" in tick(made, pg_instance).skip_message
    sync(made)  # nothing new
    assert "joined with the newest" in tick(made, pg_instance).skip_message
    act(world, "correct", date=str(MONDAY), grade="1元", order=1, rows=len(_records(world)))
    sync(made)
    [again] = tick(made, pg_instance)
    assert run(made, pg_instance, again).success
    with desk.engine.connect() as connection:
        assert {row.order_yuan for row in kept(connection).values()} == {1}


def _records(world):
    token = world.get("/guanke/token", username="u", password="p")["data"]["token"]
    window = {"startTime": f"{MONDAY} 00:00:00", "endTime": f"{MONDAY} 23:59:59", "page": "1", "pageSize": "1000"}
    answer = http.get(f"{world.url}/guanke/task/cdr/all2", params=window, headers={"Authorization": token})
    return answer.json()["data"]["data"]


def test_days_become_unbroken_stretches():
    first, second, fourth = (MONDAY + dt.timedelta(days=place) for place in (0, 1, 3))
    assert stretches([first, second, fourth]) == [(first, second), (fourth, fourth)]
    assert stretches([]) == []
