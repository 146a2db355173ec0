"""What an operator does to a batch shows on the pages of its day, whichever act it was."""

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.activity.store import forget, unreported
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.defs.activity.reporting import report_outside_work
from calling_pipeline.runtime import Runtime
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


def test_each_plan_and_each_change_of_a_calling_task_is_noted_for_the_source_tables(desk):
    desk.work_orders([phone(1)])
    desk.task()
    assert noted(desk) == [("source_tables", None)]
    with desk.engine.begin() as connection:
        editing.edit(connection, "new orders", {"enabled": False})
    assert noted(desk) == [("source_tables", None)]
    desk.plan()
    assert ("source_tables", None) in noted(desk)


def test_the_source_tables_are_observed_with_the_tasks_that_read_them_and_their_newest_plans(desk, tmp_path):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    desk.task("idle", enabled=False)
    planned = desk.plan()
    runtime = Runtime(desk.settings, engine=desk.engine)
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        assert report_outside_work(instance, runtime) == 1
        [record] = instance.fetch_observations(dg.AssetKey("source_tables"), limit=5).records
        assert instance.fetch_materializations(dg.AssetKey("source_tables"), limit=5).records == []
    shown = record.asset_observation.metadata
    assert (shown["source_tables"].value, shown["calling_tasks"].value) == (1, 2)
    idle, orders = sorted((row.data for row in shown["read_by"].records), key=lambda row: row["calling task"])
    assert (idle["enabled"], idle["last planned"], idle["rows then"]) == ("no", "never", "")
    assert (orders["table"], orders["rows then"]) == ("crm.work_orders", "2")
    assert orders["last planned"] == days.wall_clock(planned.planned_at)
