"""What arrives too late: an answer after its runner was given up, a commit repeated, a call another batch made meanwhile."""

import asyncio
import threading
import uuid

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import Claimed, LogOutcome, Result
from calling_pipeline.call_batches.pushing import claims
from calling_pipeline.call_batches.pushing.watch import BatchWatch
from calling_pipeline.call_batches.records import CallState
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.database.retry import Transactions
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.support import LIMIT_S, WAITING, wait_until


@pytest.fixture
def batch(desk) -> Batch:
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    return desk.plan()


def claim_one(desk, batch: Batch, runner: uuid.UUID) -> claims.Claim:
    with desk.engine.begin() as connection:
        ids = claims.take_distinct_ids(connection, 1)
        return claims.claim_chunk(
            connection,
            batch,
            policy_from(batch.policy),
            runner=runner,
            claim=str(uuid.uuid4()),
            distinct_ids=ids,
            now=days.now(),
        )


def start(desk, batch: Batch) -> uuid.UUID:
    runner = uuid.uuid4()
    with desk.engine.begin() as connection:
        assert batch_store.start(connection, batch.id, runner, days.now())
    return runner


def record(desk, call: Claimed, state: CallState, outcome: LogOutcome) -> list[str]:
    with desk.engine.begin() as connection:
        return call_store.record(connection, [Result(call, state, outcome, sent_at=days.now())], now=days.now(), by="test")


def states(desk) -> list[str]:
    return [row.state for row in desk.rows("SELECT state FROM call_tasks ORDER BY source_row")]


def test_an_outcome_recorded_twice_counts_once(desk, batch):
    (call,) = claim_one(desk, batch, start(desk, batch)).calls
    for _ in range(2):
        record(desk, call, "pushed", "pushed")
    assert desk.one("SELECT count(*) FROM call_log") == 1
    assert desk.one("SELECT calls FROM call_history") == 1


def test_a_late_answer_of_the_very_claim_replaces_unknown(desk, batch):
    (call,) = claim_one(desk, batch, start(desk, batch)).calls
    with desk.engine.begin() as connection:
        assert lifecycle.mark_orphans_unknown(connection, batch.id, by="test") == 1
    record(desk, call, "pushed", "pushed")
    assert states(desk) == ["pushed", "pending"]
    assert [row.outcome for row in desk.rows("SELECT outcome FROM call_log ORDER BY id")] == ["unknown", "pushed"]
    assert desk.one("SELECT calls FROM call_history") == 1


def test_a_late_answer_changes_nothing_once_an_operator_settled_the_call(desk, batch):
    (call,) = claim_one(desk, batch, start(desk, batch)).calls
    with desk.engine.begin() as connection:
        lifecycle.mark_orphans_unknown(connection, batch.id, by="test")
        lifecycle.settle(connection, "done", ids=[call.id], by="test")
    record(desk, call, "refused", "refused")
    assert states(desk) == ["pushed", "pending"]


def test_a_runner_that_was_superseded_claims_nothing(desk, batch):
    old = start(desk, batch)
    new = start(desk, batch)
    assert claim_one(desk, batch, old).state is None
    assert len(claim_one(desk, batch, new).calls) == 1


def test_nothing_is_claimed_of_a_batch_that_was_paused_or_cancelled(desk, batch):
    runner = start(desk, batch)
    with desk.engine.begin() as connection:
        lifecycle.pause(connection, batch.id)
    assert claim_one(desk, batch, runner) == claims.Claim("paused")
    with desk.engine.begin() as connection:
        lifecycle.cancel(connection, batch.id)
    assert claim_one(desk, batch, runner) == claims.Claim("cancelled")


def test_a_claim_waits_for_nobody_who_holds_a_row_and_takes_the_next(desk, batch):
    runner = start(desk, batch)
    with desk.engine.begin() as other:
        other.execute(sa.text("SELECT FROM call_tasks WHERE source_row = 1 FOR UPDATE"))
        (call,) = claim_one(desk, batch, runner).calls
    assert call.phone == phone(2)


def test_a_number_that_was_called_meanwhile_is_skipped_at_the_claim(desk, batch):
    with desk.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO call_history VALUES (:p, now(), now(), 1, 0, 0)"), {"p": phone(1)})
    desk.push(batch)
    assert [call["phone"] for call in desk.gateway_calls()] == [phone(2)]
    assert desk.reconciliation(batch)["left_out"] == {"called_before": 1}


def test_a_claim_given_back_can_be_claimed_again_with_its_distinct_id(desk, batch):
    runner = start(desk, batch)
    (call,) = claim_one(desk, batch, runner).calls
    with desk.engine.begin() as connection:
        assert claims.release(connection, batch.id, call.claim) == 1
        assert claims.release(connection, batch.id, call.claim) == 0
    (again,) = claim_one(desk, batch, runner).calls
    assert (again.id, again.distinct_id, again.attempt) == (call.id, call.distinct_id, call.attempt)
    assert record(desk, call, "pushed", "pushed") == []
    assert states(desk)[0] == "pushing", "the old claim's answer is nobody's"


def settle_and_wait(desk, call: Claimed, settlement: Settlement, settled: list[int]) -> None:
    with desk.engine.begin() as connection:
        settled.append(lifecycle.settle(connection, settlement, ids=[call.id], by="the second").calls)


def test_of_two_people_who_settle_a_call_at_once_the_first_decides(desk, batch):
    (call,) = claim_one(desk, batch, start(desk, batch)).calls
    with desk.engine.begin() as connection:
        lifecycle.mark_orphans_unknown(connection, batch.id, by="test")
    settled: list[int] = []
    second = threading.Thread(target=settle_and_wait, args=(desk, call, "retry", settled))
    with desk.engine.begin() as connection:
        lifecycle.settle(connection, "done", ids=[call.id], by="the first")
        second.start()  # it still sees an unknown call, and waits for the row
        wait_until(lambda: desk.one(WAITING))
    second.join(LIMIT_S)
    assert settled == [0]
    assert states(desk)[0] == "pushed", "a call that was made is not made again"
    assert [row.outcome for row in desk.rows("SELECT outcome FROM call_log ORDER BY id")] == ["unknown", "settled_pushed"]
    assert desk.one("SELECT count(*) FROM contact_attempts") == 1


def watch_of(desk, batch: Batch, lock: SessionLock) -> BatchWatch:
    return BatchWatch(Transactions(desk.engine), lock, batch.id, start(desk, batch))


def end_lock_sessions(desk) -> None:
    """Cut the connections that hold locks, as a network failure does."""
    ended = desk.rows(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'lock: call batch%'"
    )
    assert len(ended) == 1


def test_a_runner_that_lost_its_lock_to_another_process_stops(desk, batch):
    mine, other = (batch_store.runner_lock(desk.engine.url, batch.id) for _ in range(2))
    assert mine.take()
    watch = watch_of(desk, batch, mine)
    end_lock_sessions(desk)
    assert other.take(), "nobody holds it now"
    asyncio.run(asyncio.wait_for(watch.run(), LIMIT_S))
    assert watch.state is None
    other.free()


def test_a_runner_that_lost_its_connection_takes_its_lock_again(desk, batch):
    mine, other = (batch_store.runner_lock(desk.engine.url, batch.id) for _ in range(2))
    assert mine.take()
    watch = watch_of(desk, batch, mine)
    end_lock_sessions(desk)

    async def until_held() -> None:
        watching = asyncio.create_task(watch.run())
        while not await asyncio.to_thread(batch_is_pushed, desk, batch):
            await asyncio.sleep(0.02)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(asyncio.wait_for(until_held(), LIMIT_S))
    assert watch.state == "running"
    assert not other.take()
    mine.free()


def batch_is_pushed(desk, batch: Batch) -> bool:
    with desk.engine.connect() as connection:
        return batch_store.is_pushed(connection, batch.id)
