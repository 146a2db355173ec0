"""Traces reach a collector whole, over processes, and hold nothing personal; without a collector none is made."""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import subprocess
import sys
from typing import Any

import dagster as dg
import httpx
import pytest

from calling_pipeline import days, trace_export, tracing
from calling_pipeline.api.app import create_app
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.definitions import defs
from calling_pipeline.defs.instance.ticks import trace_ticks
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.rounds import deliver_round
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.private import JsonFormatter, PrivateFormatter
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.rounds import deliver_round as deliver_mails
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.deploy.running import Deployment
from calling_pipeline_tests.metrics.collector import attributes, collecting
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, http, nightly, wait_until
from calling_pipeline_tests.telephony.support import callback_body, set_up, signed

PHONE = "13812345678"
YESTERDAY = days.today() - dt.timedelta(days=1)


@pytest.fixture
def collector(monkeypatch):
    monkeypatch.setattr(trace_export, "ANSWER_S", LIMIT_S)
    factory = logging.getLogRecordFactory()
    with collecting() as server:
        tracing.start(server.url)
        yield server
        tracing.stop()
    logging.setLogRecordFactory(factory)


@pytest.fixture
def runtime(app_settings, simulator):
    update = {"guanke_base_url": f"{simulator.url}/guanke", "allow_private_urls": True, "infinity_timeout_s": LIMIT_S}
    made = Runtime(app_settings.model_copy(update=update))
    yield made
    made.close()


def test_a_click_and_its_callback_are_one_trace_without_anything_personal(runtime, simulator, collector):
    simulator.forget_calls()
    office = set_up(runtime, simulator.url + "/infinity/api", lines=2, agents_=2)
    call = office.call(1, phone=PHONE)
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        body = callback_body(call.call_uuid or "")
        sent = client.post("/api/v1/infinity/callback/call-record", content=body, headers=signed(body))
        assert sent.status_code == 200
    tracing.send()
    click = collector.one("click")
    inner = [collector.one(name) for name in ("gate", "allocation", "MakeCall")]
    assert {span.trace_id for span in (*inner, collector.one("callback"))} == {click.trace_id}
    assert {span.parent_span_id for span in (*inner, collector.one("callback"))} == {click.span_id}
    assert collector.one("request").trace_id != click.trace_id
    whole = b"".join(collector.bodies)
    secrets = [PHONE, call.call_uuid or "", simulator.url, "callback-secret-of-tests", str(office.runtime.settings.home)]
    assert [secret for secret in secrets if secret.encode() in whole] == []


@pytest.fixture
def traced_ticks():
    """Ticks are traced within the test, as in a code server."""
    kinds: tuple[Any, ...] = (dg.ScheduleDefinition, dg.SensorDefinition)
    before = [kind.evaluate_tick for kind in kinds]
    trace_ticks()
    yield
    for kind, evaluate in zip(kinds, before, strict=True):
        kind.evaluate_tick = evaluate


def test_a_tick_its_run_the_pages_and_what_is_published_are_one_trace(runtime, engine, simulator, collector, traced_ticks):
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    tick_of = {}
    for name, asks in (("by_schedule", schedule_of), ("by_sensor", sensor_of)):
        tick_of[name] = asks(name).tags
    with tracing.span("run", parent=tick_of["by_schedule"][tracing.TAG], job="j"):  # as in the run's own process
        sync_days(engine, guanke_client(runtime), "grade", [YESTERDAY], sync_type="manual", phone_key=runtime.phone_key)
    tracing.send()
    ticks = {attributes(one)["of"]: one for one in collector.named("tick")}
    assert ticks.keys() == tick_of.keys()
    assert all(tick_of[name][tracing.TAG].split("-")[1] == one.trace_id.hex() for name, one in ticks.items())
    tick, run, day = ticks["by_schedule"], collector.one("run"), collector.one("day")
    assert (run.trace_id, run.parent_span_id) == (tick.trace_id, tick.span_id)
    assert day.parent_span_id == run.span_id
    pages = collector.named("page")
    assert pages
    assert {page.trace_id for page in (*pages, collector.one("publish"))} == {tick.trace_id}
    asked = collector.named("ask")
    assert {one.parent_span_id for one in asked} <= {one.span_id for one in (*pages, day)}
    assert {attributes(one)["outcome"] for one in asked} == {"2xx"}


def schedule_of(name):
    """What a schedule asks for at a tick."""
    schedule = dg.ScheduleDefinition(name=name, cron_schedule="* * * * *", job_name="j", tags={"kept": "1"})
    data = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=days.now()))
    (request,) = data.run_requests or ()
    assert request.tags["kept"] == "1"
    return request


def sensor_of(name):
    """What a sensor asks for at a tick."""

    @dg.sensor(name=name, job_name="j")
    def sensor(context):
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key="k")], cursor="c")

    with dg.instance_for_test() as instance, dg.build_sensor_context(instance=instance) as context:
        data = sensor.evaluate_tick(context)
    assert data.cursor == "c"
    return data.run_requests[0]


def test_every_schedule_and_sensor_of_the_code_location_begins_a_trace():
    repository = defs.get_repository_def()
    definitions: list[Any] = [*repository.schedule_defs, *repository.sensor_defs]
    for one in definitions:
        assert hasattr(type(one).evaluate_tick, "__wrapped__"), one.name


@nightly
def test_a_tick_in_the_code_server_and_its_run_in_a_process_of_its_own_are_one_trace(
    tmp_path, empty_database_url, dagster_database_url, simulator, monkeypatch
):
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    deployment = Deployment(tmp_path / "run", empty_database_url, dagster_database_url, simulator.url)
    with collecting() as server:
        monkeypatch.setenv("CALLING_TRACES_URL", server.url)
        assert deployment.start("migrate").wait(3 * LIMIT_S) == 0, deployment.log("migrate").read_text()
        for role in ("code", "daemon"):
            deployment.start(role)

        def chains():
            """Pages of a run of its own process, whose tick was seen too."""
            ticks = {one.span_id: one for one in server.named("tick")}
            runs = {one.trace_id: one for one in server.named("run") if one.parent_span_id in ticks}
            assert all(ticks[one.parent_span_id].trace_id == trace for trace, one in runs.items())
            return [page for page in server.named("page") if page.trace_id in runs]

        wait_until(chains, limit_s=5 * LIMIT_S, every_s=0.5)
        for role in ("daemon", "code"):
            deployment.stop(role)


def test_what_a_run_does_for_batches_messages_and_mails_is_in_its_trace(runtime, engine, simulator, collector):
    desk = make_desk(engine, runtime.settings, simulator)
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    with tracing.span("run", job="j"):
        desk.run()
        deliver_round(NotificationDependencies.from_runtime(runtime), OUTBOXES["contracts"])
        deliver_mails(MailDependencies.from_runtime(runtime))
    tracing.send()
    run = collector.one("run")
    assert {one.trace_id for one in collector.spans} == {run.trace_id}
    names = {one.name for one in collector.spans}
    assert {"plan", "push", "deliver", "mails"} <= names
    push = next(one for one in collector.named("push"))
    to_gateway = [one for one in collector.named("ask") if attributes(one)["vendor"] == "dialling_gateway"]
    assert {one.parent_span_id for one in to_gateway} == {push.span_id}
    assert len(to_gateway) == 2


def test_an_error_is_marked_by_its_kind_alone(collector):
    with pytest.raises(ValueError, match="138"), tracing.span("page"):
        raise ValueError(f"the number {PHONE} is wrong")
    tracing.send()
    assert [(one.key, one.value.string_value) for one in collector.one("page").attributes] == [("error.type", "ValueError")]
    assert PHONE.encode() not in b"".join(collector.bodies)


def test_every_log_line_within_a_trace_names_it_as_text_and_as_json(collector):
    def lines():
        record = logging.getLogger("calling_pipeline.test").makeRecord(
            "calling_pipeline.test", logging.WARNING, "", 0, "%s days", (3,), None
        )
        return PrivateFormatter("%(levelname)s %(message)s").format(record), json.loads(JsonFormatter().format(record))

    with tracing.span("page"):
        trace = tracing.trace_id()
        text, line = lines()
        assert text == f"WARNING 3 days trace={trace}"
        assert (line["message"], line["trace"], line["level"]) == ("3 days", trace, "WARNING")
    text, line = lines()
    assert text == "WARNING 3 days"
    assert "trace" not in line


def test_json_lines_mask_what_text_lines_mask():
    record = logging.LogRecord("other", logging.ERROR, "", 0, f"called {PHONE}", (), None)
    assert PHONE not in JsonFormatter().format(record)
    try:
        raise ValueError(PHONE)
    except ValueError:
        record = logging.LogRecord("calling_pipeline", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    line = json.loads(JsonFormatter().format(record))
    assert "ValueError" in line["exception"]
    assert PHONE not in line["exception"]


def test_a_collector_that_is_away_is_not_our_trouble(free_port):
    factory = logging.getLogRecordFactory()
    tracing.start(f"http://127.0.0.1:{free_port}")
    try:
        with tracing.span("page") as span:
            span.note(page=1)
    finally:
        tracing.stop()
        logging.setLogRecordFactory(factory)


@pytest.fixture
def free_port():
    """A port on which nobody listens, kept from everybody else."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def test_without_a_collector_nothing_is_loaded_and_no_span_is_made():
    code = (
        "import sys, calling_pipeline.api.app, calling_pipeline.telephony.calls.making as making\n"
        "from calling_pipeline import tracing\n"
        "assert tracing.span('a') is tracing.span('b', x=1) and tracing.context() is None and tracing.tags() == {}\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert found.stdout.strip() == "[]"
