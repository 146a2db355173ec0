"""A run is ended for its worker's death only when its worker is dead: here, on another host, whoever was restarted."""

import logging
import os
import signal
import sys
import uuid
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import DefaultRunLauncher, WorkerStatus
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from calling_pipeline.at_most_once.orphans import is_held
from calling_pipeline.defs.instance import launcher as launchers
from calling_pipeline.defs.instance import workers
from calling_pipeline.defs.instance.judging import SILENT_S
from calling_pipeline.defs.reaper import reap
from calling_pipeline_tests.at_most_once.test_orphans import end_session_of
from calling_pipeline_tests.support import LIMIT_S, start_process, wait_until

S = dg.DagsterRunStatus
OTHERS = [S.NOT_STARTED, S.STARTING, S.STARTED, S.CANCELING]
"""A queued run has no worker that could be looked for; one that is started without a tag has none that is known."""


@pytest.fixture
def instance(own_instance, tmp_path, monkeypatch):
    monkeypatch.setenv("WAIT_FOR", str(tmp_path / "go on"))
    return own_instance


def start_run(instance, **environment):
    """A run in a process of its own, once it is under way and registered."""
    program = [sys.executable, "-m", "calling_pipeline_tests.defs.waiting_run"]
    known = {run.run_id for run in instance.get_runs()}
    process = start_process(program, env={**os.environ, **environment})

    def registered():
        assert process.poll() is None, "the run's process ended"
        return [run for run in instance.get_runs() if run.run_id not in known and workers.WORKER_TAG in run.tags]

    return process, wait_until(registered)[0].run_id


def status(instance, run_id):
    return instance.get_run_by_id(run_id).status


def finish(process):
    Path(os.environ["WAIT_FOR"]).touch()
    assert process.wait(LIMIT_S) == 0


def kill(instance, process, run_id):
    """The process is gone, and so is its session, which PostgreSQL ends a moment later."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: lock_is_free(instance, run_id))


def monitor(instance):
    """One round of Dagster's own run monitoring, as the daemon does it."""
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context:
        failures = list(execute_run_monitoring_iteration(context, logging.getLogger("monitoring")))
    assert not any(failures), failures


def lock_is_free(instance, run_id):
    with instance.run_storage.connect() as connection:
        return not is_held(connection, workers.LOCK, run_id)


def test_a_run_whose_process_lives_is_left_alone_and_ends_by_itself(instance):
    """The documented order of production, the reaper before the daemon, once failed every run under way."""
    process, run_id = start_run(instance)
    assert reap(instance) == 0
    monitor(instance)
    assert status(instance, run_id) == S.STARTED
    finish(process)
    assert status(instance, run_id) == S.SUCCESS
    assert reap(instance) == 0


def test_a_run_whose_process_was_killed_is_ended_once(instance):
    process, run_id = start_run(instance)
    kill(instance, process, run_id)
    assert status(instance, run_id) == S.STARTED, "Dagster does not know it yet"
    assert reap(instance) == 1
    assert status(instance, run_id) == S.FAILURE
    assert reap(instance) == 0


def test_the_daemon_alone_ends_a_dead_run_and_no_live_one(instance):
    """After a restart of the daemon, and of nothing else."""
    dead, of_the_ended = start_run(instance)
    alive, of_the_running = start_run(instance)
    kill(instance, dead, of_the_ended)
    with dg.DagsterInstance.get() as after_a_restart:
        monitor(after_a_restart)
    assert (status(instance, of_the_ended), status(instance, of_the_running)) == (S.FAILURE, S.STARTED)
    finish(alive)
    assert status(instance, of_the_running) == S.SUCCESS


def test_a_live_run_of_another_host_is_known_by_its_lock(instance, monkeypatch):
    """Workers as Celery has them: no process of this host, and their numbers mean nothing here."""
    process, run_id = start_run(instance, HOST="a-worker-far-away")
    monkeypatch.setattr(launchers.RunLauncher, "clock", iter(range(0, 10_000, 1_000)).__next__)
    assert reap(instance) == 0
    for _ in range(3):
        monitor(instance)
    assert status(instance, run_id) == S.STARTED
    finish(process)
    assert status(instance, run_id) == S.SUCCESS


def test_a_dead_run_of_another_host_is_ended_after_it_was_silent_at_every_look(instance, monkeypatch):
    process, run_id = start_run(instance, HOST="a-worker-far-away")
    kill(instance, process, run_id)
    now = [0.0]
    monkeypatch.setattr(launchers.RunLauncher, "clock", lambda self: now[0])
    assert reap(instance) == 0, "one look proves nothing about another host"
    monitor(instance)
    now[0] = SILENT_S - 1
    monitor(instance)
    assert status(instance, run_id) == S.STARTED
    now[0] = SILENT_S
    monitor(instance)
    assert status(instance, run_id) == S.FAILURE


def test_a_worker_that_lost_its_connection_takes_its_lock_again(instance):
    """PostgreSQL was restarted; the run was alive all the time."""
    process, run_id = start_run(instance)
    with instance.run_storage.connect() as connection:
        end_session_of(connection, workers.LOCK, run_id)
    assert reap(instance) == 0, "its process is seen"
    wait_until(lambda: not lock_is_free(instance, run_id))
    finish(process)


def test_runs_that_are_queued_or_starting_belong_to_dagsters_time_limits(instance):
    for state in OTHERS:
        instance.run_storage.add_run(dg.DagsterRun(job_name="any", run_id=str(uuid.uuid4()), status=state))
    assert reap(instance) == 0
    assert {run.status for run in instance.get_runs()} == set(OTHERS), "nobody knows their workers"


def test_the_tag_of_the_run_before_says_nothing_about_its_retry(instance):
    """Dagster copies a failed run's tags to its retry: the dead worker in it is not the retry's."""
    dead, run_id = start_run(instance)
    kill(instance, dead, run_id)
    tags = instance.get_run_by_id(run_id).tags
    retry = dg.DagsterRun(job_name="any", run_id=str(uuid.uuid4()), status=S.STARTED, tags=dict(tags))
    instance.run_storage.add_run(retry)
    assert reap(instance) == 1
    assert (status(instance, run_id), status(instance, retry.run_id)) == (S.FAILURE, S.STARTED)


def test_a_run_of_the_version_before_whose_lock_was_elsewhere_is_not_judged(instance):
    """While versions change, its process may live on another host with a lock that nobody looks at."""
    run_id = str(uuid.uuid4())
    tag = f"{run_id} {workers.this_host()} {2**22} 12"
    run = dg.DagsterRun(job_name="any", run_id=run_id, status=S.STARTED, tags={workers.WORKER_TAG: tag})
    instance.run_storage.add_run(run)
    assert (reap(instance), workers.verdict_of(instance, run)) == (0, "not registered")


def test_a_pid_that_another_process_has_now_is_not_the_run():
    """The number of a killed worker may come back at any time."""
    mine = workers.this_worker("a-run")
    other = workers.Worker("a-run", mine.host, mine.pid, "12")
    assert workers.judge(mine, lock_is_held=False) == "alive"
    assert workers.judge(other, lock_is_held=False) == "gone"
    assert workers.judge(other, lock_is_held=True) == "alive", "both proofs are asked for"


def test_runs_of_a_launcher_that_judges_its_own_workers_are_left_to_it(instance, monkeypatch):
    class Celery(DefaultRunLauncher):
        @property
        def supports_check_run_worker_health(self):
            return True

        def check_run_worker_health(self, run):
            return dg._core.launcher.CheckRunHealthResult(WorkerStatus.RUNNING)

    process, run_id = start_run(instance)
    kill(instance, process, run_id)
    celery = Celery()
    celery.register_instance(instance)
    monkeypatch.setattr(dg.DagsterInstance, "run_launcher", celery)
    assert reap(instance) == 0
    assert status(instance, run_id) == S.STARTED
