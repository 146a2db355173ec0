"""Processes killed at every point, PostgreSQL restarted, a gateway that acts and breaks its answer: the simulator's own list
of accepted calls is the judge."""

import random
import subprocess
import sys
import threading

import pytest

from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.engine import business_url, make_engine
from calling_pipeline.errors import Busy
from calling_pipeline_tests.call_batches import killed_push
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, restart_server, stop_server, unmeasured, wait_until

CALLS = 120


SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def sessions(desk) -> set[int]:
    return {row.pid for row in desk.rows(SESSIONS)}


def kill_a_push(desk, batch, point: str, stop_at: int) -> None:
    """Push in a process of its own, and kill it with signal 9 when it has stopped at `point` of its `stop_at`th call.

    Returns when its sessions are gone: the server still commits what it got from the process while it lived.
    """
    own = sessions(desk)
    with pushing_process(desk, batch, point, stop_at) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.kill()
        process.wait(LIMIT_S)
    wait_until(lambda: not sessions(desk) - own)


def push_when_released(desk, batch) -> Batch | None:
    """Push, unless PostgreSQL has not noticed yet that the killed process is gone."""
    try:
        return desk.push(batch)
    except Busy:
        return None


def pushing_process(desk, batch, point: str, stop_at: int) -> subprocess.Popen:
    address = desk.settings.database_url.get_secret_value()
    command = [
        sys.executable,
        "-m",
        killed_push.__name__,
        address,
        desk.settings.gateway_url,
        str(batch.id),
        point,
        str(stop_at),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unmeasured())


@pytest.mark.parametrize("seed", range(20 if NIGHTLY else 1))
@pytest.mark.parametrize("point", ["after_claim", "after_send", "after_answer", "between_chunks"])
def test_a_killed_batch_goes_on_where_it_was_and_calls_nobody_twice(desk, point, seed):
    chance = random.Random(f"{point} {seed}")
    desk.work_orders([phone(n) for n in range(CALLS)])
    desk.task(rate_per_s=chance.choice([100, 1000, 5000]))
    batch = desk.plan()
    stop_at = 33 if point == "between_chunks" else chance.randint(1, CALLS)
    kill_a_push(desk, batch, point, stop_at)

    before = desk.outcome(batch)
    assert before.count("pushing") > 0
    done = wait_until(lambda: push_when_released(desk, batch))
    after = desk.outcome(batch)
    assert done.state == "completed"
    assert after.count("unknown") == before.count("pushing"), "only what was claimed and not recorded is unknown"
    assert after.count("pushed", "unknown") == CALLS
    assert desk.reconciliation(batch)["difference"] == 0
    assert desk.one("SELECT count(*) FROM alerts") == 1
    desk.judge()

    made = {call["distinct_id"] for call in desk.gateway_calls()}
    for call in desk.rows("SELECT id, distinct_id FROM call_tasks WHERE state = 'unknown'"):
        with desk.engine.begin() as connection:
            settlement: Settlement = "done" if call.distinct_id in made else "retry"
            lifecycle.settle(connection, settlement, ids=[call.id], by="test")
    desk.push(batch)
    assert desk.outcome(batch).states == {"pushed": CALLS}
    assert len(desk.gateway_calls()) == CALLS
    desk.judge()


def test_a_process_asked_to_end_awaits_its_answers_and_leaves_nothing_in_doubt(desk, simulator):
    desk.work_orders([phone(n) for n in range(500)])
    desk.task(rate_per_s=40)
    batch = desk.plan()
    simulator.plant("slow", path="/gateway", times=None, seconds=0.3)
    with pushing_process(desk, batch, "never", 0) as process:
        wait_until(lambda: len(desk.gateway_calls()) > 40)
        process.terminate()
        assert process.wait(LIMIT_S) == -15
    states = desk.outcome(batch).states
    assert set(states) == {"pushed", "pending"}
    assert states["pushed"] == len(desk.gateway_calls())
    assert desk.one("SELECT count(*) FROM contact_attempts") == states["pushed"]
    simulator.clear_faults()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE call_batches SET rate_per_s = 5000")
    assert desk.push(batch).state == "completed"
    desk.judge()


def test_orphaned_claims_are_found_without_running_the_batch(desk):
    desk.work_orders([phone(n) for n in range(40)])
    desk.task(rate_per_s=100)
    batch = desk.plan()
    kill_a_push(desk, batch, "after_answer", 3)
    with desk.engine.begin() as connection:
        lifecycle.cancel(connection, batch.id)
    left = desk.outcome(batch).count("pushing")
    assert left > 0
    assert wait_until(lambda: lifecycle.recover(desk.engine)) == left
    assert lifecycle.recover(desk.engine) == 0
    assert set(desk.outcome(batch).states) <= {"pushed", "unknown", "skipped"}
    desk.judge()


def test_a_gateway_that_acts_and_then_breaks_its_answer_is_never_asked_twice(desk, simulator):
    calls = 10_000 if NIGHTLY else 500
    desk.work_orders([phone(n) for n in range(calls)])
    desk.task()
    desk.settings = desk.settings.model_copy(update={"gateway_timeout_s": 10.0})
    for kind, options in (("reset", {}), ("hang", {"seconds": LIMIT_S}), ("status", {"status": 502})):
        simulator.plant(kind, path="/gateway", times=None, rate=0.017, after=True, **options)
    batch = desk.run()
    outcome = desk.outcome(batch)
    assert batch.state == "completed"
    assert outcome.count("unknown") == sum(fault["struck"] for fault in simulator.get("/_sim/faults")) > 0
    assert outcome.count("pushed", "unknown") == calls
    truth = desk.gateway_calls()
    assert len({call["phone"] for call in truth}) == len(truth) == calls
    assert {call["requests"] for call in truth} == {1}
    desk.judge()


def test_a_restart_of_postgresql_in_the_middle_costs_no_call(tmp_path, app_settings, simulator):
    server = embedded.start(tmp_path / "pg")
    url = business_url(server.get_uri())
    engine = make_engine(url)
    migrate.upgrade(engine)
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    desk = make_desk(
        engine, app_settings.model_copy(update={"database_url": type(app_settings.database_url)(address)}), simulator
    )
    desk.work_orders([phone(n) for n in range(600)])
    desk.task(rate_per_s=200)
    batch = desk.plan()
    ended = []
    thread = threading.Thread(target=lambda: ended.append(desk.push(batch)))
    thread.start()
    wait_until(lambda: len(desk.gateway_calls()) > 100)
    restart_server(server)
    thread.join(LIMIT_S)
    assert [left.state for left in ended] == ["completed"]
    assert desk.outcome(batch).states == {"pushed": 600}
    assert len(desk.gateway_calls()) == 600
    desk.judge()
    engine.dispose()
    stop_server(server)
