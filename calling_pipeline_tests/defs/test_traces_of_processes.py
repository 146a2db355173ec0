"""Daemon, code server and the process of a run: one trace, and lines in JSON that name it."""

import json

import pytest
import sqlalchemy as sa

from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.defs.test_celery import AT_NIGHT, PATIENCE_S, cluster  # noqa: F401
from calling_pipeline_tests.metrics.collector import attributes, collecting
from calling_pipeline_tests.support import wait_until


@pytest.fixture
def broker_url():
    """Runs are processes beside the code server here."""
    return "redis://127.0.0.1:1/0"


@AT_NIGHT
def test_the_tick_of_a_sensor_and_the_run_that_the_daemon_starts_for_it_are_one_trace(
    cluster,  # noqa: F811
    engine,
    app_settings,
    simulator,
):
    desk = make_desk(engine, app_settings, simulator)
    desk.work_orders([phone(number) for number in range(20)])
    desk.task()
    desk.plan()
    with engine.begin() as connection:  # its planner seems dead: the sensor starts a run for it
        connection.execute(sa.text("UPDATE call_batches SET planned_at = now() - interval '10 minutes'"))
    del cluster.environment["CALLING_EXECUTOR"], cluster.environment["CALLING_CELERY_BROKER"]
    with collecting() as collector:
        cluster.environment |= {"CALLING_TRACES_URL": collector.url, "CALLING_LOG_FORMAT": "json"}
        cluster.begin()

        def ran():
            return [one for one in collector.named("run") if attributes(one)["job"] == "call_batches_run"]

        run = wait_until(ran, limit_s=PATIENCE_S)[0]
        wait_until(lambda: [one for one in collector.named("tick") if one.trace_id == run.trace_id], limit_s=PATIENCE_S)
        within = [one for one in collector.spans if one.trace_id == run.trace_id]
        (tick,) = [one for one in within if one.name == "tick"]
        assert (attributes(tick)["of"], run.parent_span_id) == ("calling_tasks", tick.span_id)
        (push,) = [one for one in within if one.name == "push"]
        assert len([one for one in within if one.parent_span_id == push.span_id]) == len(desk.gateway_calls())
        wait_until(lambda: '"level": "INFO"' in cluster.said("daemon"), limit_s=PATIENCE_S)
        said = [line for line in cluster.said("code").splitlines() if attributes(run)["run"] in line]
    lines = [json.loads(line) for line in said]
    assert {line["run"] for line in lines if "run" in line} == {attributes(run)["run"]}
    assert run.trace_id.hex() in {line.get("trace") for line in lines}
    assert b"138" not in b"".join(collector.bodies)
