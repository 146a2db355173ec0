"""Dagster's history is pruned without a partition turning grey, and what retention deletes is shown as missing."""

import datetime as dt
import uuid

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from calling_pipeline import days
from calling_pipeline.defs.housekeeping import store as dagster_history

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
    assert dagster_history.prune(instance, later) == dagster_history.Pruned(0, 0, 0, 0)


@dg.asset_check(asset=numbers)
def numbers_are_right() -> dg.AssetCheckResult:
    """A check without partitions, as Dagster runs it."""
    return dg.AssetCheckResult(passed=True)


def evaluate(instance, day, *, passed):
    """What a run that judges one day at a time reports."""
    run_id = add_run(instance, dg.DagsterRunStatus.SUCCESS)
    evaluation = dg.AssetCheckEvaluation(asset_key=numbers.key, check_name="per_day", passed=passed, partition=day)
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, "job", event_specific_data=evaluation), run_id
    )
    return run_id


def check_rows(instance):
    query = sa.text("SELECT check_name, partition, run_id FROM asset_check_executions ORDER BY id")
    with instance.event_log_storage.index_connection() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_every_check_keeps_its_newest_result_for_every_partition_and_nothing_older(instance, later):
    for _ in range(2):
        dg.materialize([numbers, numbers_are_right], partition_key="2026-11-20", instance=instance)
    evaluate(instance, "2026-11-20", passed=False)
    newest = evaluate(instance, "2026-11-20", passed=True)
    other = evaluate(instance, "2026-11-21", passed=False)
    before = check_rows(instance)
    assert dagster_history.prune(instance, days.now() - dt.timedelta(days=1)).check_executions == 0
    pruned = dagster_history.prune(instance, later)
    left = check_rows(instance)
    assert pruned.check_executions == len(before) - len(left)
    assert len(before) > len(left)
    assert [(partition, run) for name, partition, run in left if name == "per_day"] == [
        ("2026-11-20", newest),
        ("2026-11-21", other),
    ]
    assert [name for name, _, _ in left].count("numbers_are_right") == 1


def test_a_plan_that_never_came_to_a_result_goes_unless_its_run_is_under_way(instance, later):
    plans = [add_run(instance, status) for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED)]
    evaluate(instance, None, passed=True)
    for run_id in plans:
        planned = AssetCheckEvaluationPlanned(asset_key=numbers.key, check_name="per_day")
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value, "job", event_specific_data=planned),
            run_id,
        )
    assert dagster_history.prune(instance, later).check_executions == 1
    assert plans[0] not in {run_id for _, _, run_id in check_rows(instance)}
    assert plans[1] in {run_id for _, _, run_id in check_rows(instance)}


def status_shown(instance):
    """The partitions that the UI shows as materialized, from the summary that it keeps."""
    summary = get_and_update_asset_status_cache_value(instance, numbers.key, daily)
    subset = summary.deserialize_materialized_partition_subsets(daily) if summary else daily.empty_subset()
    return set(subset.get_partition_keys())


def test_days_that_retention_deletes_are_no_longer_shown_as_materialized(instance):
    for day in ("2026-11-10", "2026-11-11", "2026-11-12"):
        materialize(instance, day)
        evaluate(instance, day, passed=True)
    runs = len(instance.get_runs())
    assert status_shown(instance) == {"2026-11-10", "2026-11-11", "2026-11-12"}
    forgotten = dagster_history.wipe_partitions(instance, {"numbers": dt.date(2026, 11, 12)})
    assert forgotten == {"numbers": 2}
    assert status_shown(instance) == {"2026-11-12"}
    assert instance.get_materialized_partitions(numbers.key) == {"2026-11-12"}
    assert [partition for _, partition, _ in check_rows(instance)] == ["2026-11-12"]
    assert len(instance.get_runs()) == runs
    assert dagster_history.wipe_partitions(instance, {"numbers": dt.date(2026, 11, 12)}) == {}
    materialize(instance, "2026-11-10")
    assert status_shown(instance) == {"2026-11-10", "2026-11-12"}


def test_partitions_are_forgotten_in_pieces_and_those_of_a_run_under_way_stay(instance, monkeypatch):
    monkeypatch.setattr(dagster_history, "ROWS_AT_ONCE", 1)
    for day in ("2026-11-10", "2026-11-11"):
        materialize(instance, day)
    running = add_run(instance, dg.DagsterRunStatus.STARTED)
    instance.report_dagster_event(
        dg.DagsterEvent(
            dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
            "job",
            event_specific_data=AssetMaterializationPlannedData(numbers.key, partition="2026-11-09"),
        ),
        running,
    )
    assert dagster_history.wipe_partitions(instance, {"numbers": dt.date(2026, 11, 12)}) == {"numbers": 2}
    assert instance.get_materialized_partitions(numbers.key) == set()
    assert events(instance, running) == 1


def add_run(instance, status):
    run = dg.DagsterRun(job_name="grade_stats_sync", run_id=str(uuid.uuid4()), status=status)
    return instance.run_storage.add_run(run).run_id
