"""Dagster's history is pruned without a partition turning grey; runs whose processes are gone are ended."""

import datetime as dt
import uuid

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.defs.housekeeping import store as dagster_history
from calling_pipeline.defs.reaper import reap

daily = dg.DailyPartitionsDefinition("2026-11-01", timezone="Asia/Shanghai", end_offset=1)


@dg.asset(partitions_def=daily)
def numbers(context: dg.AssetExecutionContext) -> None:
    """An asset that says a word in the log."""
    context.log.info("counting")


def materialize(instance, day):
    return dg.materialize([numbers], partition_key=day, instance=instance).run_id


def events(instance, run_id):
    with instance.event_log_storage.index_connection() as connection:
        query = sa.text("SELECT count(*) FROM event_logs WHERE run_id = :run_id")
        return connection.execute(query, {"run_id": run_id}).scalar_one()


@pytest.fixture
def later():
    """An instant after everything this test did."""
    return days.now() + dt.timedelta(minutes=1)


def test_superseded_runs_go_and_every_partition_stays_materialized(instance, later):
    old, newest, other = (materialize(instance, day) for day in ("2026-11-20", "2026-11-20", "2026-11-21"))
    pruned = dagster_history.prune(instance, later)
    assert pruned.runs == 1
    assert pruned.operational_events > 0
    assert {run.run_id for run in instance.get_runs()} == {newest, other}
    assert events(instance, old) == 0
    assert instance.get_materialized_partitions(dg.AssetKey("numbers")) == {"2026-11-20", "2026-11-21"}
    assert instance.get_latest_materialization_event(dg.AssetKey("numbers")).run_id == other


def test_young_runs_and_runs_under_way_are_left_alone(instance, later):
    materialize(instance, "2026-11-20")
    materialize(instance, "2026-11-20")
    running = add_run(instance, dg.DagsterRunStatus.STARTED)
    assert dagster_history.prune(instance, days.now() - dt.timedelta(days=1)).runs == 0
    dagster_history.prune(instance, later)
    assert instance.get_run_by_id(running) is not None


def test_pruning_twice_finds_nothing_the_second_time(instance, later):
    materialize(instance, "2026-11-20")
    materialize(instance, "2026-11-20")
    dagster_history.prune(instance, later)
    assert dagster_history.prune(instance, later) == dagster_history.Pruned(0, 0, 0)


def add_run(instance, status):
    run = dg.DagsterRun(job_name="grade_stats_sync", run_id=str(uuid.uuid4()), status=status)
    return instance.run_storage.add_run(run).run_id


def test_runs_whose_processes_died_are_ended_and_those_that_wait_stay(instance):
    status = dg.DagsterRunStatus
    dead = [add_run(instance, one) for one in (status.STARTING, status.STARTED, status.CANCELING)]
    waiting = add_run(instance, status.NOT_STARTED)
    assert reap(instance) == 3
    assert {instance.get_run_by_id(run_id).status for run_id in dead} == {status.FAILURE}
    assert instance.get_run_by_id(waiting).status == status.NOT_STARTED
    assert reap(instance) == 0
