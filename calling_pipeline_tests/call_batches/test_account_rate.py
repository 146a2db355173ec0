"""One rate for a gateway account over all batches and processes, shared equally, as the database recorded it."""

import datetime as dt
import itertools
import json
import random
import subprocess

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches.batches.gateway_rate import store as rate_store
from calling_pipeline.call_batches.batches.gateway_rate.store import EXACTNESS
from calling_pipeline.call_batches.dependencies import CLAIM_AHEAD_S, PushLimits
from calling_pipeline.call_batches.pushing.claim_queue import RESERVED_S
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.call_batches.test_stopping import command_line
from calling_pipeline_tests.support import LIMIT_S, run_together

RATE = 40
SLOW = 0.1
"""So slow that a reservation is not over before the next is made, on however busy a machine."""
RECORDING = """
CREATE TABLE reserved (id bigint GENERATED ALWAYS AS IDENTITY, xid bigint, at timestamptz, begins timestamptz,
                       ends timestamptz);
CREATE TABLE reserver (xid bigint, batch_id bigint);
CREATE FUNCTION note_share() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO reserver VALUES (txid_current(), NEW.batch_id); RETURN NEW; END $$;
CREATE TRIGGER note_share AFTER INSERT OR UPDATE ON gateway_shares FOR EACH ROW EXECUTE FUNCTION note_share();
CREATE FUNCTION note_rate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO reserved (xid, at, begins, ends) VALUES (txid_current(), clock_timestamp(),
        CASE WHEN TG_OP = 'UPDATE' THEN greatest(OLD.next_at, clock_timestamp()) ELSE clock_timestamp() END, NEW.next_at);
    RETURN NEW; END $$;
CREATE TRIGGER note_rate AFTER INSERT OR UPDATE ON gateway_rates FOR EACH ROW EXECUTE FUNCTION note_rate();
CREATE VIEW granted AS SELECT id, batch_id, at, begins, ends FROM reserved JOIN reserver USING (xid);
"""


def reserve(desk, batch, count, rate=RATE, account="a"):
    with desk.engine.begin() as connection:
        return rate_store.reserve(connection, account, rate, batch, count)


def next_at(desk, account="a"):
    return desk.one("SELECT next_at FROM gateway_rates WHERE account = :account", account=account)


def test_reservations_follow_each_other_and_never_overlap(desk):
    chance, before = random.Random(7), None
    for _ in range(100):
        count = chance.randint(1, 20)
        reserved = reserve(desk, chance.randint(1, 3), count, RATE / 2)
        length = dt.timedelta(seconds=count * reserved.interval_s)
        begins = next_at(desk) - length
        if before is not None:
            assert begins >= before - dt.timedelta(microseconds=2)
        before = next_at(desk)
        assert reserved.interval_s == pytest.approx(2 / (EXACTNESS * RATE))
    assert reserve(desk, 1, 1, RATE / 2).wait_s > 0, "everybody waits for their turn"
    assert reserve(desk, 1, 1, account="b").wait_s == 0, "another account has a rate of its own"


def test_reservations_of_many_sessions_at_once_never_overlap(desk):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(RECORDING)
    run_together(*[lambda batch=batch: [reserve(desk, batch, 3) for _ in range(20)] for batch in range(8)])
    granted = desk.rows("SELECT begins, ends FROM granted ORDER BY id")
    assert len(granted) == 160
    assert all(later.begins >= earlier.ends for earlier, later in itertools.pairwise(granted))


def test_time_that_nobody_reserved_is_not_saved_up(desk):
    reserve(desk, 1, 4, SLOW)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gateway_rates SET next_at = now() - interval '1 hour'")
    assert reserve(desk, 1, 4, SLOW).wait_s == 0
    assert 0 < reserve(desk, 1, 4, SLOW).wait_s <= 4 / (EXACTNESS * SLOW)


def test_after_the_clock_of_the_database_went_back_nobody_waits_for_hours(desk):
    reserve(desk, 1, 4)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gateway_rates SET next_at = now() + interval '2 hours'")
    assert reserve(desk, 1, 4).wait_s == 0


def test_a_batch_that_ended_or_was_killed_has_no_share_any_more(desk):
    assert [reserve(desk, batch, 1, SLOW).batches for batch in (1, 2, 3, 1)] == [1, 2, 3, 3]
    with desk.engine.begin() as connection:
        rate_store.forget(connection, 2, days.now())
        connection.exec_driver_sql("UPDATE gateway_shares SET reserved_at = now() - interval '1 hour' WHERE batch_id = 3")
    assert reserve(desk, 1, 1, SLOW).batches == 1


def test_the_more_batches_share_a_rate_the_less_each_reserves_at_once():
    limits = PushLimits(32, 40, account_rate_per_s=40)
    assert [limits.chunk(batches) for batches in (1, 2, 4, 100)] == [20, 10, 5, 1]
    assert PushLimits(32, 4, account_rate_per_s=40).chunk(1) == 2, "the batch's own rate stays beneath"


def test_a_batchs_own_rate_above_the_accounts_changes_nothing(desk):
    desk.settings = desk.settings.model_copy(update={"gateway_rate_per_s": RATE})
    desk.work_orders([phone(n) for n in range(RATE)])
    desk.task(rate_per_s=5000)
    assert desk.run().state == "completed"
    sent = sorted(row.sent_at.timestamp() for row in desk.rows("SELECT sent_at FROM call_log"))
    assert sent[-1] - sent[0] >= 0.9 * (RATE - 1) / RATE


def test_calls_that_are_late_reserve_anew(desk, simulator):
    """Four calls are in flight and answered slowly; those claimed behind them come seconds after their reserved time."""
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(RECORDING)
    desk.settings = desk.settings.model_copy(update={"gateway_rate_per_s": RATE})
    for attempt in range(8):  # on a busy machine the second four are claimed late, and then they are not sent late
        desk.work_orders([phone(8 * attempt + n) for n in range(8)])
        desk.task(name=f"attempt {attempt}")
        simulator.plant("slow", path="/gateway", times=4, seconds=3)
        batch = desk.run(f"attempt {attempt}", concurrency=4)
        assert batch.state == "completed"
        granted = desk.rows("SELECT begins, ends FROM granted WHERE batch_id = :id ORDER BY id", id=batch.id)
        of_batch = "SELECT sent_at FROM call_log JOIN call_tasks t ON t.id = call_task_id WHERE t.batch_id = :id ORDER BY 1"
        if (desk.rows(of_batch, id=batch.id)[4].sent_at - granted[1].ends).total_seconds() > RESERVED_S:
            break
    reserved = sum((row.ends - row.begins).total_seconds() for row in granted)
    assert reserved * EXACTNESS * RATE >= 11.5
    desk.judge()


def test_three_processes_together_keep_the_accounts_rate_and_each_has_its_share(desk):
    each = RATE * 4
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(RECORDING)
    for k in range(3):
        desk.work_orders([phone(k * each + n) for n in range(each)], table=f"orders_{k}")
        desk.task(f"task {k}", source_table=f"orders_{k}")
    processes: list[subprocess.Popen] = [
        command_line(desk, "run", "--task", f"task {k}", "--json", CALLING_GATEWAY_RATE_PER_S=RATE) for k in range(3)
    ]
    for process in processes:
        said, wrong = process.communicate(timeout=2 * LIMIT_S)
        assert process.returncode == 0, wrong
        assert json.loads(said)["outcome"] == {"pushed": each}

    granted = desk.rows("SELECT batch_id, at, begins, ends FROM granted ORDER BY id")
    assert all(later.begins >= earlier.ends for earlier, later in itertools.pairwise(granted))
    reserved = {row.batch_id: 0.0 for row in granted}
    together = max(min(row.at for row in granted if row.batch_id == batch) for batch in reserved)
    until = min(max(row.at for row in granted if row.batch_id == batch) for batch in reserved)
    for row in granted:
        if together <= row.at <= until:
            reserved[row.batch_id] += (row.ends - row.begins).total_seconds() * EXACTNESS * RATE
    assert len(reserved) == 3
    share = sum(reserved.values()) / 3
    chunk = RATE * CLAIM_AHEAD_S
    assert all(abs(calls - share) <= 2 * chunk for calls in reserved.values()), reserved

    sent = sorted(row.sent_at.timestamp() for row in desk.rows("SELECT sent_at FROM call_log"))
    fullest = max(sum(start <= other < start + 1 for other in sent) for start in sent)
    assert fullest <= RATE * 1.05 + 1.5 * chunk, "one burst at most is late at the same time"
    desk.judge()


def test_the_recording_of_this_file_is_what_the_database_reserved(desk):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(RECORDING)
    reserved = reserve(desk, 5, 10)
    [row] = desk.rows("SELECT batch_id, begins, ends FROM granted")
    assert row.batch_id == 5
    assert (row.ends - row.begins).total_seconds() == pytest.approx(10 * reserved.interval_s, abs=0.05)
