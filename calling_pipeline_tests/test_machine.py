"""The machine under `up`: what is killed comes back or is ended, and nothing goes on by itself."""

import datetime as dt
import os
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from calling_pipeline import days
from calling_pipeline_tests.running_up import Up, named, still_running
from calling_pipeline_tests.support import LIMIT_S, http, nightly, wait_until

pytestmark = pytest.mark.timeout(1800)
_LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
    __typename ... on LaunchRunSuccess { run { runId } } } }"""
_UNDER_WAY = "{ runsOrError(filter: {statuses: [STARTED]}) { ... on Runs { results { tags { key } } } } }"
_STATUSES = """import os, psycopg
with psycopg.connect(os.environ["CALLING_DATABASE_URL"].replace("/calling?", "/dagster?")) as connection:
    print(connection.execute("SELECT array_agg(status) FROM runs").fetchone()[0])"""
_DAEMON = f"{sys.executable} -m dagster._daemon run -w .calling/workspace.yaml"


def healthy(up):
    try:
        return http.get(f"http://127.0.0.1:{up.ports['API']}/healthz").status_code == 200
    except Exception:
        return False


def test_up_repairs_what_is_killed_below_it_and_is_ended_whole_when_it_is_killed(tmp_path):
    up = Up(tmp_path, "--no-first-sync")

    second = up.command("up", "--no-first-sync")
    assert second.returncode == 1
    assert f"another `calling-pipeline up` (process {up.process.pid}) serves {up.home} already" in second.stderr

    other = up.command("exec", "--", "sh", "-c", _DAEMON)
    assert other.returncode == 1
    assert "another Dagster daemon works on this instance" in other.stderr
    plain = up.command("exec", "--", "dagster", "dev")
    assert (plain.returncode, "runs a daemon already" in plain.stderr) == (1, True)

    killed = up.postmaster()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: up.postmaster() not in (None, killed), limit_s=3 * LIMIT_S)
    wait_until(lambda: healthy(up))
    up.waits_for("the embedded PostgreSQL is there again")

    logs = [Path(folder, name) for folder, _, names in os.walk(up.home) for name in names if name.endswith(".log")]
    others = [path.name for path in logs if path.stat().st_mode & 0o077]
    assert others == [], "logs can be read by other users"

    daemon = up.pid_of("daemon")
    os.kill(up.pid_of("ui"), signal.SIGKILL)
    up.waits_for("ui was started again")
    assert "ui ended with status -9; it is started again in 1 s" in up.text
    assert up.pid_of("daemon") == daemon
    assert psutil.pid_exists(daemon)
    wait_until(lambda: "the process ui runs" in up.command("alerts", "list", "--json").stdout)

    [keeper] = named(up.processes(), "calling_pipeline.cli.machine.keeper")
    keeper.kill()
    up.waits_for("the keeper, which ends everything if this process is killed, had ended and was started again")

    everything = up.processes()
    up.process.kill()
    up.process.wait(LIMIT_S)
    wait_until(lambda: not still_running(everything), limit_s=3 * LIMIT_S, every_s=0.2)
    wait_until(lambda: not (up.home / "postgres" / "postmaster.pid").exists())
    keeper_log = up.home / "logs" / "keeper.log"
    wait_until(lambda: "ended daemon: process" in keeper_log.read_text())
    assert not (up.home / "up.json").exists()
    nothing = up.command("down")
    assert (nothing.returncode, nothing.stdout.strip()) == (0, f"nothing runs for {up.home}")


@nightly
def test_what_a_killed_up_and_its_killed_keeper_left_is_ended_by_the_next_command(tmp_path):
    up = Up(tmp_path, "--no-first-sync")
    everything = up.processes()
    [keeper] = named(everything, "calling_pipeline.cli.machine.keeper")
    os.kill(up.process.pid, signal.SIGSTOP)  # or it would start another keeper
    keeper.kill()
    up.process.kill()
    up.process.wait(LIMIT_S)
    left = still_running(everything)
    assert len(left) >= 5

    down = up.command("down")
    assert down.returncode == 0, down.stderr
    assert still_running(left) == []
    assert "ended daemon: process" in down.stdout
    assert "ended the embedded PostgreSQL" in down.stdout
    assert up.command("down").stdout.strip() == f"nothing runs for {up.home}"


@nightly
def test_down_stops_a_running_up_in_order(tmp_path):
    up = Up(tmp_path, "--no-first-sync")
    everything = up.processes()
    down = up.command("down", "--json")
    assert down.returncode == 0, down.stderr
    assert up.process.wait(LIMIT_S) == 0
    assert "stopped; the data stay" in up.text
    assert still_running(everything) == []
    assert not (up.home / "postgres" / "postmaster.pid").exists()


@nightly
def test_a_stop_says_what_it_waits_for_and_what_it_ends_is_canceled_not_failed(tmp_path):
    up = Up(tmp_path, "--no-first-sync")
    simulator = f"http://127.0.0.1:{up.ports['SIMULATOR']}"
    slow = {"kind": "slow", "path": "/guanke", "times": None, "options": {"seconds": 5}}
    http.post(f"{simulator}/_sim/faults", json=slow).raise_for_status()
    first, last = days.today() - dt.timedelta(days=9), days.today()
    span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    params = {
        "selector": {
            "repositoryLocationName": "calling_pipeline",
            "repositoryName": "__repository__",
            "jobName": "grade_stats_sync",
        },
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {"tags": [{"key": key, "value": day.isoformat()} for key, day in span.items()]},
    }
    assert up.ask(_LAUNCH, p=params)["launchRun"]["__typename"] == "LaunchRunSuccess"
    wait_until(lambda: "calling/worker" in str(up.ask(_UNDER_WAY)), limit_s=3 * LIMIT_S, every_s=0.5)
    up.process.send_signal(signal.SIGINT)
    up.waits_for("at most 60 s; Ctrl-C again ends it now")
    assert re.search(r"waiting for (the run|\d+ runs:) \w+_sync \([0-9a-f]{8}, since \d\d:\d\d:\d\d\)", up.text)
    up.process.send_signal(signal.SIGINT)
    up.waits_for("what is in flight is awaited, at most 20 s")
    assert up.process.wait(3 * LIMIT_S) == 0

    ended = up.command("exec", "--", sys.executable, "-c", _STATUSES).stdout
    assert "CANCEL" in ended
    assert "FAILURE" not in ended
    assert "Run failed" not in up.command("alerts", "list").stdout
