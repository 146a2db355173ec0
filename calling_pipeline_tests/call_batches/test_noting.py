"""What an operator does to a batch shows on the pages of its day, whichever act it was."""

import pytest

from calling_pipeline.activity.store import forget, unreported
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline_tests.call_batches.desk import phone


def noted(desk):
    """Assets and days noted since the last look."""
    with desk.engine.begin() as connection:
        found = unreported(connection, limit=10)
        for one in found:
            forget(connection, one)
    return sorted((one.asset, one.day) for one in found)


@pytest.fixture
def batch(desk):
    desk.work_orders([phone(1)])
    desk.task()
    planned = desk.plan()
    noted(desk)
    return planned


def test_pausing_resuming_and_cancelling_are_noted(desk, batch):
    for act in (lifecycle.pause, lifecycle.resume, lifecycle.cancel):
        with desk.engine.begin() as connection:
            act(connection, batch.id)
        assert noted(desk) == [("call_batches", batch.day), ("call_history", batch.day)], act.__name__


def test_settling_is_noted(desk, batch):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE call_tasks SET state = 'unknown', claimed_at = now(), attempts = 1, distinct_id = 'd'"
        )
        lifecycle.settle(connection, "done", batch_id=batch.id, by="ann", note="the gateway has it")
    assert noted(desk) == [("call_batches", batch.day), ("call_history", batch.day)]
