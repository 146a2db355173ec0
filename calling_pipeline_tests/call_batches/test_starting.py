"""No batch starts while somebody was called too often or with a number twice in it, whichever door asks."""

import pytest

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.pushing import runs, starting
from calling_pipeline.errors import Conflict, NotFound
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.call_batches.test_quality import _BACKDATE


@pytest.fixture
def called_twice(desk):
    """A first batch whose number 13800000001 was called twice; a second batch is planned with one number more."""
    desk.work_orders([phone(1)])
    desk.task()
    desk.run()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(_BACKDATE.format(times=1))
    desk.work_orders([phone(2)])
    return desk.plan()


def dialled(desk):
    return sorted(call["phone"] for call in desk.gateway_calls())


def test_a_batch_is_paused_with_a_sentence_and_an_alert_and_nobody_is_called(desk, called_twice):
    with pytest.raises(Conflict, match=r"somebody was called too often .*calls accept 1 --reason .*calls resume 2"):
        desk.push(called_twice)
    assert dialled(desk) == [phone(1)]
    assert desk.rows("SELECT state FROM call_batches WHERE id = 2") == [("paused",)]
    with desk.engine.connect() as connection:
        assert [one.name for one in alert_store.open_conditions(connection, "batch_stopped")] == ["batch_stopped:2"]


def test_the_daily_run_and_a_resume_ask_too(desk, called_twice):
    said = []
    runs.run_day(desk.dependencies(), days.today(), say=said.append)
    assert any("does not start" in line for line in said)
    with desk.engine.begin() as connection:
        lifecycle.resume(connection, called_twice.id)
    with pytest.raises(Conflict, match="does not start"):
        desk.push(called_twice)
    assert dialled(desk) == [phone(1)]


def test_after_a_person_has_looked_batches_start_again(desk, called_twice):
    with pytest.raises(Conflict):
        desk.push(called_twice)
    with desk.engine.begin() as connection:
        with pytest.raises(NotFound, match="wait for a decision: 1"):
            starting.accept(connection, [99], reason="looked", by="ann")
        assert starting.accept(connection, [1], reason="a test of the gateway", by="ann") == 1
        lifecycle.resume(connection, called_twice.id)
    assert desk.push(called_twice).state == "completed"
    assert dialled(desk) == [phone(1), phone(2)]
    [(reason,)] = desk.rows("SELECT details->>'reason' FROM task_ledger WHERE task_id = 'called_too_often:1'")
    assert reason == "a test of the gateway"


def test_a_batch_with_a_number_twice_does_not_start(desk):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.plan()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO call_tasks (batch_id, source_row, phone, state)"
            " SELECT batch_id, 99, phone, 'pushed' FROM call_tasks"
        )
    with pytest.raises(Conflict, match=r"a number is in it twice .*calls cancel 1"):
        desk.push(batch)
    assert dialled(desk) == []
