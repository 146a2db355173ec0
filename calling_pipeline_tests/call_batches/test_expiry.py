"""A batch that expires calls nobody from then on; the rest has its reason, and the card adds up."""

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.defs.call_batches.sensors import resume_requests
from calling_pipeline.errors import InvalidInput
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.call_batches.test_push import pushing
from calling_pipeline_tests.support import LIMIT_S, wait_until

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=days.SHANGHAI)


def test_a_batch_stops_when_it_expires_and_what_is_left_has_the_reason(desk):
    desk.work_orders([phone(n) for n in range(300)])
    desk.task(rate_per_s=10, expires_after="1h")
    clock = [NOON]
    days.set_clock(lambda: clock[0])
    batch = desk.plan()
    assert batch.expires_at == NOON + dt.timedelta(hours=1)
    thread, ended = pushing(desk, batch)
    wait_until(lambda: len(desk.gateway_calls()) >= 10)
    clock[0] = NOON + dt.timedelta(hours=1)
    thread.join(LIMIT_S)
    (left,) = ended
    assert (left.state, left.note) == ("completed", lifecycle.EXPIRED)
    states = desk.outcome(batch).states
    assert 10 <= states["pushed"] < 300
    assert states == {"pushed": states["pushed"], "skipped": 300 - states["pushed"]}
    document = desk.reconciliation(batch)
    assert document["left_out"] == {"expired": 300 - states["pushed"]}
    assert (document["difference"], document["reasons_missing"]) == (0, 0)
    assert desk.rows("SELECT phone FROM call_log WHERE sent_at >= :end", end=clock[0]) == []
    desk.judge()


@pytest.mark.parametrize("state", ["waiting", "paused"])
def test_an_expired_batch_that_no_process_holds_is_ended_by_the_sensor(desk, state):
    desk.work_orders([phone(1)])
    desk.task(expires_after="90m")
    with days.frozen(NOON):
        batch = desk.plan()
        with desk.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE call_batches SET state = '{state}', resume_at = '2026-11-24'")
            assert lifecycle.expire(connection) == 0
    runtime = Runtime(desk.settings)
    with days.frozen(NOON + dt.timedelta(minutes=90)):
        assert resume_requests(runtime, NOON.date()) == []
    runtime.close()
    assert desk.rows("SELECT state, note FROM call_batches") == [("completed", lifecycle.EXPIRED)]
    assert desk.reconciliation(batch)["left_out"] == {"expired": 1}


def test_an_expired_batch_that_a_process_holds_is_left_to_it(desk):
    desk.work_orders([phone(1)])
    desk.task(expires_after="90m")
    with days.frozen(NOON):
        batch = desk.plan()
    lock = batch_store.runner_lock(desk.engine.url, batch.id)
    assert lock.take()
    with days.frozen(NOON + dt.timedelta(hours=2)):
        with desk.engine.begin() as connection:
            assert lifecycle.expire(connection) == 0
        lock.free()
        with desk.engine.begin() as connection:
            assert lifecycle.expire(connection) == 1


def test_an_expired_batch_is_not_pushed_by_hand_either(desk):
    desk.work_orders([phone(1)])
    desk.task()
    with days.frozen(NOON):
        batch = runs.plan_task(desk.engine, "new orders", expires_at=NOON + dt.timedelta(minutes=1))
        with pytest.raises(InvalidInput, match="expired before"):
            runs.plan_task(desk.engine, "new orders", expires_at=NOON)
    with days.frozen(NOON + dt.timedelta(minutes=1)):
        assert desk.push(batch).state == "completed"
    assert desk.gateway_calls() == []
    assert desk.reconciliation(batch)["left_out"] == {"expired": 1}


@pytest.mark.parametrize("span", ["0h", "8", "h", "1h30m", "367d", 5, "99999999d"])
def test_a_span_that_is_none_is_refused(desk, span):
    desk.work_orders([phone(1)])
    with pytest.raises(InvalidInput, match="90m, 8h or 3d"):
        desk.task(expires_after=span)
