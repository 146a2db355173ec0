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
    return days.now() + dt.timedelta(hours=1)


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


def check_rows(instance, which=""):
    query = sa.text(f"SELECT check_name, partition, run_id FROM asset_check_executions {which} ORDER BY id")
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


@dg.asset_check(asset=numbers)
def numbers_are_wrong() -> dg.AssetCheckResult:
    """A check that fails and stops nothing."""
    return dg.AssetCheckResult(passed=False)


def kinds(instance, run_id):
    with instance.event_log_storage.index_connection() as connection:
        query = sa.text("SELECT DISTINCT coalesce(dagster_event_type, 'LOG') FROM event_logs WHERE run_id = :run_id")
        return set(connection.execute(query, {"run_id": run_id}).scalars())


def test_a_run_that_went_well_and_was_done_again_keeps_what_is_shown_and_loses_its_steps(instance, later):
    """Today is read every ten minutes; ninety times per day all steps and sixteen passed checks were kept for a month."""
    checked = [numbers, numbers_are_right, numbers_are_wrong]
    first, second = (
        dg.materialize(checked, partition_key="2026-11-20", instance=instance, raise_on_error=False).run_id for _ in range(2)
    )
    whole = kinds(instance, second)
    long_ago = days.now() - dt.timedelta(days=30)
    assert dagster_history.prune(instance, long_ago, details_before=long_ago) == dagster_history.Pruned(0, 0, 0, 0)
    pruned = dagster_history.prune(instance, long_ago, details_before=later)
    assert (pruned.runs, pruned.check_executions) == (0, 1)
    assert pruned.operational_events > 0
    assert {"STEP_START", "LOG"} < whole
    assert kinds(instance, second) == whole
    assert kinds(instance, first) == {"ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION"}
    left = [(name, run) for name, _, run in check_rows(instance, "WHERE execution_status <> 'PLANNED'")]
    assert sorted(left) == sorted(
        [("numbers_are_right", second), ("numbers_are_wrong", first), ("numbers_are_wrong", second)]
    )
    assert status_shown(instance) == {"2026-11-20"}
    assert dagster_history.prune(instance, long_ago, details_before=later) == dagster_history.Pruned(0, 0, 0, 0)


@dg.asset(partitions_def=daily, deps=[numbers])
def broken():
    """An asset that fails after `numbers` was done."""
    raise ValueError("broken")


def test_a_run_that_failed_keeps_its_steps_though_the_day_was_done_again(instance, later):
    failed = dg.materialize([numbers, broken], partition_key="2026-11-20", instance=instance, raise_on_error=False).run_id
    whole = kinds(instance, failed)
    materialize(instance, "2026-11-20")
    dagster_history.prune(instance, days.now() - dt.timedelta(days=30), details_before=later)
    assert {"STEP_FAILURE", "ASSET_MATERIALIZATION"} < whole
    assert kinds(instance, failed) == whole


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
