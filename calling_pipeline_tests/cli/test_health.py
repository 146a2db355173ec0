"""Whether a role lives and can work, as probes ask."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc

from calling_pipeline.analysis.dagster_storage.store import worker_lock
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.cli.health import code_server, probes
from calling_pipeline.cli.health.command import health
from calling_pipeline.cli.health.probes import look
from calling_pipeline.cli.health.records import PROGRAM_OF_WORKERS
from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, silent_port, start_process, wait_until

DAEMONS = ("QUEUED_RUN_COORDINATOR", "SCHEDULER", "SENSOR")


@pytest.fixture
def free_port():
    """A port on which nothing listens."""
    with silent_port() as port:
        yield port


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A role may answer as late as a busy machine lets it."""
    for module in (probes, code_server):
        monkeypatch.setattr(module, "ANSWER_S", LIMIT_S)


@pytest.fixture
def answering():
    """Make an application that answers every path with this status and error."""

    def app(status, error=None):
        body = json.dumps({"error": error} if error else {}).encode()

        async def answer(scope, receive, send):
            if scope["type"] != "http":
                return
            wanted = status(scope["path"]) if callable(status) else status
            await send({"type": "http.response.start", "status": wanted, "headers": []})
            await send({"type": "http.response.body", "body": body})

        return answer

    return app


def _port(url):
    return int(url.rsplit(":", 1)[1])


@pytest.mark.parametrize("role", ["api", "ui"])
def test_a_server_that_lives_but_cannot_work_is_live_and_not_ready(answering, role):
    with served(answering(lambda path: 200 if path == "/livez" else 503, "the database is away")) as url:
        assert look(role, "live", _port(url)).well
        ready = look(role, "ready", _port(url))
    assert (ready.well, ready.said) == (False, f"127.0.0.1:{_port(url)} answers 503: the database is away")


def test_what_is_not_there_is_neither(free_port):
    for role in ("api", "ui", "code-server"):
        for question in ("live", "ready"):
            found = look(role, question, free_port)
            assert not found.well
            assert f"127.0.0.1:{free_port}" in found.said


@pytest.mark.parametrize(("status", "well"), [("SERVING", True), ("NOT_SERVING", False)])
def test_a_code_server_is_well_while_it_serves(status, well):
    servicer = grpc_health.HealthServicer()
    servicer.set("DagsterApi", health_pb2.HealthCheckResponse.ServingStatus.Value(status))
    with ThreadPoolExecutor(1) as threads:
        server = grpc.server(threads)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            assert look("code-server", "ready", port).well is well
        finally:
            server.stop(None).wait()


@pytest.fixture
def heartbeats(database_url, dagster_database_url, monkeypatch):
    """Dagster's database, for a daemon that this process finds by its settings; and its heartbeats, set by age (s)."""
    for setting, url in (("CALLING_DATABASE_URL", database_url), ("CALLING_DAGSTER_DATABASE_URL", dagster_database_url)):
        monkeypatch.setenv(setting, url.set(drivername="postgresql").render_as_string(hide_password=False))
    engine = make_engine(dagster_database_url.set(drivername="postgresql+psycopg"))
    insert = sa.text(
        "INSERT INTO daemon_heartbeats (daemon_type, daemon_id, timestamp) VALUES (:daemon, 'one',"
        " now() AT TIME ZONE 'UTC' - make_interval(secs => :age))"
    )

    def beat(**ages):
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM daemon_heartbeats"))
            connection.execute(insert, [{"daemon": name, "age": ages.get(name, 5)} for name in DAEMONS])

    yield beat
    engine.dispose()


def test_a_daemon_is_live_while_it_holds_its_lock_and_ready_when_all_its_parts_are_heard_of(
    heartbeats, dagster_database_url
):
    heartbeats()
    assert look("daemon", "live").said == "no daemon works on this instance"
    assert not look("daemon", "ready").well, "young heartbeats of one that was killed prove nothing"
    lock = SessionLock(dagster_database_url, "dagster daemon")
    assert lock.take()
    try:
        assert look("daemon", "live").well
        assert look("daemon", "ready").well
        heartbeats(SENSOR=500)
        assert look("daemon", "live").well
        ready = look("daemon", "ready")
        assert (ready.well, ready.said) == (False, "the daemon is there, but silent are sensor")
    finally:
        lock.free()
    assert not look("daemon", "live").well


def test_without_its_database_nothing_is_known_of_a_daemon_so_it_is_not_restarted(monkeypatch):
    monkeypatch.setenv("CALLING_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert look("daemon", "live").well
    assert not look("daemon", "ready").well


@pytest.fixture
def worker_process(tmp_path, monkeypatch):
    """A process that looks like a worker of the installation with this test's home."""
    monkeypatch.setenv("CALLING_HOME", str(tmp_path))
    process = start_process([sys.executable, "-c", "import time; time.sleep(600)", PROGRAM_OF_WORKERS])
    yield process
    process.kill()
    process.wait()


def test_a_worker_is_live_while_its_process_is_there_and_ready_while_it_takes_runs(
    heartbeats, dagster_database_url, worker_process
):
    wait_until(lambda: look("worker", "live").well)
    assert not look("worker", "ready").well
    lock = SessionLock(dagster_database_url, *worker_lock(worker_process.pid))
    assert lock.take()
    try:
        ready = look("worker", "ready")
        assert (ready.well, ready.said) == (True, f"the worker takes runs (process {worker_process.pid})")
    finally:
        lock.free()
    assert "takes no runs" in look("worker", "ready").said
    worker_process.kill()
    worker_process.wait()
    assert look("worker", "live").said == "no worker runs on this machine"


def test_a_worker_of_another_installation_is_none_of_ours(worker_process, monkeypatch):
    wait_until(lambda: look("worker", "live").well)
    monkeypatch.setenv("CALLING_HOME", "/somewhere/else")
    assert not look("worker", "live").well


def test_without_its_database_a_worker_is_unready_and_not_restarted(worker_process, monkeypatch):
    monkeypatch.setenv("CALLING_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    wait_until(lambda: look("worker", "live").well)
    ready = look("worker", "ready")
    assert not ready.well
    assert ready.said.startswith("nothing is known of the worker: ")


def test_the_command_says_it_in_a_sentence_or_in_json_and_by_its_exit_status(answering, free_port):
    with served(answering(200)) as url:
        done = CliRunner().invoke(health, ["api", "--port", str(_port(url))])
        assert (done.exit_code, done.output) == (0, f"api: 127.0.0.1:{_port(url)} answers\n")
    done = CliRunner().invoke(health, ["ui", "--live", "--port", str(free_port), "--json"])
    assert done.exit_code == 1
    said = {"role": "ui", "question": "live", "well": False}
    assert json.loads(done.output).items() >= said.items()
    assert CliRunner().invoke(health, ["nobody"]).exit_code == 2


def test_a_wrong_setting_is_one_sentence(monkeypatch):
    monkeypatch.setenv("CALLING_API_PORT", "many")
    done = CliRunner().invoke(health, ["api"])
    assert done.exit_code == 1
    assert done.output.startswith("api: CALLING_API_PORT")


def test_a_probe_loads_neither_the_other_commands_nor_a_database(free_port):
    program = (
        "import sys, calling_pipeline.cli.entry as entry\n"
        "try: entry.main()\n"
        "finally: print(sorted({'sqlalchemy', 'pydantic', 'rich', 'calling_pipeline.cli.main'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, "health", "api", "--port", str(free_port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=dict(os.environ))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "[]"), done.stderr
