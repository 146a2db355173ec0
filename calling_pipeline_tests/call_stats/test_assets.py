"""The assets, jobs and checks as Dagster runs them, over the simulator and a real database."""

import datetime as dt

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.definitions import build
from calling_pipeline.defs.call_stats.checks import CHECKS
from calling_pipeline.defs.windows import range_tags
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, truth


@pytest.fixture
def run(stats_runtime):
    """`run(job, first, last)` executes a job over a range, or one day, in this process."""
    repository = build(stats_runtime)

    def execute(job, first, last=None, *, sync_type="historical", **options):
        tags = {"calling/sync_type": sync_type} if last is None else range_tags(first, last, sync_type)
        return repository.resolve_job_def(job).execute_in_process(
            partition_key=None if last else first.isoformat(), tags=tags, raise_on_error=False, **options
        )

    return execute


def test_one_run_over_a_range_fills_every_day_of_all_grade_assets(run, guanke, connection):
    first = YESTERDAY - dt.timedelta(days=3)
    result = run("grade_stats_sync", first, YESTERDAY)
    assert result.success
    for day in days.day_range(first, YESTERDAY):
        cached = store.read_grade_day(connection, day)
        assert (cached.total_records, cached.grade_9) == (truth(guanke, day)["total_records"], truth(guanke, day)["grade_9"])
        assert (cached.sync_type, cached.complete) == ("historical", True)
    events = [event for event in result.all_events if event.is_step_materialization]
    keys = {(event.asset_key.to_user_string(), event.partition) for event in events}
    assets = ("call_records", "grade_stats_cache", "agent_ranking", "hourly_orders")
    assert keys == {(asset, day.isoformat()) for asset in assets for day in days.day_range(first, YESTERDAY)}
    assert len(events) == len(keys) + len(assets)  # the newest day is shown again at the end


def test_a_single_day_carries_its_numbers_and_all_checks_pass_but_those_that_need_the_other_track(run):
    assert run("task_stats_sync", YESTERDAY).success
    result = run("grade_stats_sync", YESTERDAY)
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    assert {evaluation.check_name for evaluation in evaluations} == {
        check.name for asset, group in CHECKS.items() if asset != "task_stats_cache" for check in group
    }
    assert [evaluation.check_name for evaluation in evaluations if not evaluation.passed] == []
    (event,) = [e for e in result.all_events if e.is_step_materialization and e.asset_key == dg.AssetKey("call_records")]
    shown = {name: value.value for name, value in event.materialization.metadata.items()}
    assert shown["complete"] is True
    proof = {record.data["of the read"]: record.data["value"] for record in event.materialization.metadata["proof"].records}
    assert int(proof["pages"]) >= 2
    assert shown["dagster/partition_row_count"] == int(proof["reported_total"])


def test_one_track_failing_leaves_the_other_alone(run, guanke, connection):
    guanke.plant("code", path="/task/cdr/all2", times=None, code=403, message="无权限")
    assert not run("grade_stats_sync", YESTERDAY).success
    assert run("task_stats_sync", YESTERDAY).success
    assert store.read_grade_day(connection, YESTERDAY) is None
    assert store.read_task_day(connection, YESTERDAY).complete


def test_rows_that_vanish_after_the_pull_block_the_cache(run, guanke, connection, engine):
    assert run("grade_stats_sync", YESTERDAY).success
    before = store.read_grade_day(connection, YESTERDAY)
    connection.rollback()
    with engine.begin() as meddling:
        meddling.exec_driver_sql("DELETE FROM call_records WHERE id IN (SELECT id FROM call_records LIMIT 5)")
    definitions = build_only_checks_and_cache(run)
    assert not definitions.success
    assert store.read_grade_day(connection, YESTERDAY) == before


def build_only_checks_and_cache(run):
    return run(
        "grade_stats_sync",
        YESTERDAY,
        asset_selection=[dg.AssetKey("grade_stats_cache")],
    )


def test_new_fields_warn_with_their_names_and_do_not_stop_the_run(run, guanke):
    guanke.plant("new_field", path="/task/cdr/all2", times=None, rows=3, field="aiScore", value=5)
    result = run("grade_stats_sync", YESTERDAY)
    assert result.success
    failed = {e.check_name: e for e in result.get_asset_check_evaluations() if not e.passed}
    assert "aiScore" in failed["call_fields_are_as_agreed"].description


def test_corrected_grades_are_found_by_the_next_read_of_the_day(run, guanke, connection):
    assert run("grade_stats_sync", YESTERDAY).success
    before = store.read_grade_day(connection, YESTERDAY)
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="A(9元)", order=9, rows=25)
    assert run("grade_stats_sync", YESTERDAY).success
    connection.rollback()
    after = store.read_grade_day(connection, YESTERDAY)
    assert after.grade_9 == truth(guanke)["grade_9"] > before.grade_9


def test_todays_ticks_leave_the_numbers_of_the_moment_they_read(run, guanke, connection):
    today = days.today()
    for _ in range(2):
        assert run("grade_stats_sync", today, sync_type="today").success
    cached = store.read_grade_day(connection, today)
    true = truth(guanke, today, as_of=cached.proof.window_end.isoformat())
    assert (cached.total_records, cached.total_success) == (true["total_records"], true["total_success"])
    assert (cached.sync_type, cached.complete) == ("today", True)
