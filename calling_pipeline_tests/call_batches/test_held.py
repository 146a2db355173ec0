"""While calls are held back no batch starts or goes on, whichever door asks; nothing is lost by it."""

import pytest

from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.defs.call_batches.sensors import resume_requests
from calling_pipeline.errors import Conflict
from calling_pipeline.outgoing import holding
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import phone

WHY = "restored from a backup; say how to go on"


def hold(desk):
    with desk.engine.begin() as connection:
        assert holding.hold(connection, "restored", WHY, by="ann") == ["batches", "clicks", "messages", "mails"]
        assert holding.hold(connection, "restored", WHY, by="ann") == []


def lift(desk):
    with desk.engine.begin() as connection:
        assert holding.lift(connection, "restored", by="ann", reason="looked", acts=["batches"]) == ["batches"]


def resumed(desk):
    runtime = Runtime(desk.settings)
    try:
        return [request.tags["calling/batch"] for request in resume_requests(runtime, runtime.settings.partition_start)]
    finally:
        runtime.close()


def test_a_batch_does_not_start_and_starts_by_itself_afterwards(desk):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.plan()
    hold(desk)
    with pytest.raises(Conflict, match=f"batch 1 does not start: {WHY}"):
        desk.push(batch)
    with pytest.raises(Conflict, match=WHY):
        runs.start_task(desk.engine, "new orders", to_call=1, by="ann")
    assert desk.gateway_calls() == []
    assert desk.rows("SELECT state FROM call_batches") == [("planned",)]
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE call_batches SET planned_at = planned_at - interval '1 hour'")
    assert resumed(desk) == []
    lift(desk)
    assert resumed(desk) == ["1"]
    assert desk.push(batch).state == "completed"
    assert desk.rows("SELECT act FROM audit_log WHERE act LIKE 'outgoing%' ORDER BY id") == [
        ("outgoing.hold",), ("outgoing.lift",)]  # fmt: skip


def test_a_batch_that_is_being_pushed_claims_nothing_more_and_waits(desk):
    desk.work_orders([phone(number) for number in range(300)])
    desk.task()
    batch, held = desk.plan(), []

    def progress(done):
        if done and not held:
            held.append(hold(desk))

    stopped = runs.push(desk.dependencies(account_rate_per_s=50), batch.id, progress)
    assert (stopped.state, stopped.note) == ("waiting", WHY)
    assert 0 < len(desk.gateway_calls()) < 300
    assert resumed(desk) == []
    lift(desk)
    assert desk.push(batch).state == "completed"
    desk.judge()
    assert len(desk.gateway_calls()) == 300
