"""How runs are let end when a machine stops: its own are waited for, others' are left alone, a second Ctrl-C asks them."""

from __future__ import annotations

import os
import subprocess
import threading
import uuid

import pytest
import sqlalchemy as sa

from calling_pipeline.cli.machine.processes import MARK
from calling_pipeline.cli.machine.stopping import let_runs_end
from calling_pipeline.cli.supervisor import Interrupts
from calling_pipeline_tests.support import join_all, start_process, wait_until

RUN = sa.text("""
    INSERT INTO runs (run_id, pipeline_name, status, run_body, create_timestamp, update_timestamp, start_time)
    VALUES (:run, :job, 'STARTED', '', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC', extract(epoch FROM now()))
""")
TAG = sa.text("INSERT INTO run_tags (run_id, key, value) VALUES (:run, :key, :value)")
OURS, OTHERS = "of this one", "of another one"


@pytest.fixture
def begin(dagster_database_url):
    """`begin(job, mark)`: a run that a process with this mark executes, as Dagster's tables have it."""
    engine = sa.create_engine(dagster_database_url, poolclass=sa.NullPool)

    def begun(job, mark, **tags):
        process = start_process(["sleep", "600"], env={**os.environ, MARK: mark})
        run = str(uuid.uuid4())
        with engine.begin() as connection:
            connection.execute(RUN, {"run": run, "job": job})
            for key, value in {"calling/worker": f"here boot {process.pid} started", **tags}.items():
                connection.execute(TAG, {"run": run, "key": key, "value": value})
        return process

    return begun


@pytest.fixture
def stopping(dagster_database_url):
    """Begins to wait for the runs; (the thread, what was said, the interrupts)."""

    def stopped():
        said, interrupts = [], Interrupts()
        environment = {MARK: OURS, "PYTHONHOME": "/nowhere"}  # the helper that asks runs to end does not come up here
        thread = threading.Thread(
            target=let_runs_end, args=(dagster_database_url, environment, interrupts, said.append), daemon=True
        )
        thread.start()
        return thread, said, interrupts

    return stopped


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_a_run_of_its_own_is_waited_for_until_it_ends_and_one_of_another_is_not(begin, stopping):
    ours = begin("sync", OURS)
    begin("of_others", OTHERS)
    thread, said, _ = stopping()
    wait_until(lambda: said)
    assert thread.is_alive()
    end(ours)
    join_all(thread)
    (line,) = said
    assert line.startswith("waiting for the run sync (")
    assert line.endswith("Ctrl-C again ends it now")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the helpers, which outlive the stop
def test_a_run_that_may_last_for_hours_is_asked_to_end_at_once_and_another_at_a_second_interrupt(begin, stopping):
    batch, sync = begin("batch", OURS, **{"calling/class": "centre/batch"}), begin("sync", OURS)
    thread, said, interrupts = stopping()
    wait_until(lambda: len(said) >= 2)
    assert said[0].startswith("ending the run batch (")
    assert said[1].startswith("waiting for the run sync (")
    interrupts.count += 1
    wait_until(lambda: len(said) >= 3)
    assert said[2].startswith("ending the run sync (")
    assert thread.is_alive()
    interrupts.count += 1
    join_all(thread)
    assert said[3].startswith("2 runs: batch (")
    assert "not ended, and killed now" in said[3]
    assert (batch.poll(), sync.poll()) == (None, None)
