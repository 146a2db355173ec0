"""Stop means stop: Ctrl-C or SIGTERM of `calls run` pauses the batch, awaits what is in flight, and says how to go on."""

import json
import os
import signal
import subprocess
import sys

import pytest

from calling_pipeline.defs.call_batches.sensors import resume_requests
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.support import LIMIT_S, start_process, wait_until

ROWS = 400


def command_line(desk, *words: str, **settings: object) -> subprocess.Popen:
    given = {
        "CALLING_DATABASE_URL": desk.settings.database_url.get_secret_value(),
        "CALLING_GATEWAY_URL": desk.settings.gateway_url,
        "CALLING_GATEWAY_EVENT_CODE": "event",
        "CALLING_GATEWAY_TARGET_OBJ_ID": "target",
        "CALLING_GATEWAY_RATE_PER_S": "20",
        "CALLING_GATEWAY_TIMEOUT_S": str(LIMIT_S),
        "CALLING_SECRET_KEY": "a key for tests that is long enough",
        **{name: str(value) for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "calling_pipeline.cli.main", "calls", *words]
    return start_process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **given})


def not_resumed(desk) -> bool:
    runtime = Runtime(desk.settings)
    try:
        return resume_requests(runtime, runtime.settings.partition_start) == []
    finally:
        runtime.close()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_pauses_its_batch_and_nobody_goes_on_with_it(desk, simulator, name):
    desk.work_orders([phone(n) for n in range(ROWS)])
    desk.task()
    simulator.plant("slow", path="/gateway", times=None, seconds=0.3)
    with command_line(desk, "run", "--task", "new orders") as process:
        wait_until(lambda: len(desk.gateway_calls()) > 7)
        process.send_signal(name)
        said, wrong = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, wrong
    assert "Traceback" not in wrong
    states = desk.one(
        "SELECT json_object_agg(state, n) FROM (SELECT state, count(*) AS n FROM call_tasks GROUP BY state) AS s"
    )
    assert set(states) == {"pushed", "pending"}, "what was in flight was awaited, nothing is unknown"
    assert states["pushed"] == len(desk.gateway_calls())
    assert f"{states['pushed']} of {ROWS} called, batch 1 is paused; `calling-pipeline calls resume 1`" in said
    [(state, note)] = desk.rows("SELECT state, note FROM call_batches")
    assert state == "paused"
    assert note.startswith("stopped by ")
    assert not_resumed(desk)
    assert desk.one("SELECT count(*) FROM audit_log WHERE act = 'batch.stop' AND subject = 'batch:1'") == 1

    simulator.clear_faults()
    with command_line(desk, "resume", "1", "--json", CALLING_GATEWAY_RATE_PER_S=5000) as process:
        said, wrong = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, wrong
    assert json.loads(said)["outcome"] == {"pushed": ROWS}
    desk.judge()


@pytest.mark.parametrize("at_once", [1, 8], ids=["while a call waits for a free place", "while answers are awaited"])
def test_a_second_ctrl_c_does_not_wait_and_what_is_in_flight_is_unknown(desk, simulator, at_once):
    desk.work_orders([phone(n) for n in range(ROWS)])
    desk.task()
    simulator.plant("slow", path="/gateway", times=None, seconds=LIMIT_S)
    with command_line(desk, "run", "--task", "new orders", CALLING_GATEWAY_CONCURRENCY=at_once) as process:
        wait_until(lambda: desk.one("SELECT count(*) FROM call_tasks WHERE state = 'pushing'") > 0)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: desk.one("SELECT count(*) FROM call_batches WHERE state = 'paused'") == 1)
        process.send_signal(signal.SIGINT)
        said, wrong = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, wrong
    assert "batch 1 is paused" in said, wrong
    assert "Traceback" not in wrong
    states = {row.state for row in desk.rows("SELECT DISTINCT state FROM call_tasks")}
    assert states == {"pending", "unknown"}
    assert not_resumed(desk)
