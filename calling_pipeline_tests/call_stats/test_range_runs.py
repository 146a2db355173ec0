"""Runs over a range on a real Dagster instance: each day is published, shown and judged for itself."""

import datetime as dt
from collections import Counter

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.errors import DagsterExecutionInterruptedError

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import ASSETS
from calling_pipeline.call_stats.sync import sync as sync_module
from calling_pipeline.definitions import build
from calling_pipeline.defs import retries
from calling_pipeline.defs.call_stats import runs
from calling_pipeline.defs.call_stats.checks import CHECKS
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.defs.windows import range_tags
from calling_pipeline.quality import Finding
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, truth
from calling_pipeline_tests.dagster_support import check_rows, colours, partitions

FIRST = YESTERDAY - dt.timedelta(days=3)
RANGE = days.day_range(FIRST, YESTERDAY)
BAD = FIRST + dt.timedelta(days=1)
GRADE_CHECKS = [(asset, check.name) for asset in ASSETS["grade"] for check in CHECKS[asset]]


@pytest.fixture
def daily(stats_runtime):
    return daily_partitions(stats_runtime.settings.partition_start)


@pytest.fixture
def run(stats_runtime, pg_instance):
    """`run(job, first, last, …)` executes a job over days in this process, on the instance."""

    def execute(job, first, last, **options):
        tags = range_tags(first, last, "historical") if first != last else {"dagster/partition": first.isoformat()}
        made = build(stats_runtime).resolve_job_def(job)
        return made.execute_in_process(instance=pg_instance, tags=tags, raise_on_error=False, **options)

    return execute


def failure_of(result):
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data
    return data.user_failure_data.description or str(data.error)


def all_of(status, wanted=RANGE):
    return {day.isoformat(): status for day in wanted}


@pytest.mark.parametrize("first", [FIRST, YESTERDAY])
def test_a_run_writes_one_evaluation_per_check_and_day_and_leaves_none_planned(run, pg_instance, daily, first):
    assert run("task_stats_sync", first, YESTERDAY).success
    assert run("grade_stats_sync", first, YESTERDAY).success
    wanted = days.day_range(first, YESTERDAY)
    expected = Counter(
        (asset, check.name, str(day), "SUCCEEDED") for asset in CHECKS for check in CHECKS[asset] for day in wanted
    )
    assert check_rows(pg_instance) == expected
    for asset, group in CHECKS.items():
        assert partitions(pg_instance, asset, daily, wanted) == all_of("MATERIALIZED", wanted)
        for check in group:
            assert colours(pg_instance, asset, check.name, daily, wanted) == all_of("SUCCEEDED", wanted)


def test_a_day_judged_bad_stays_bad_after_good_runs_over_other_days_and_turns_with_its_own(run, guanke, pg_instance, daily):
    guanke.plant("unknown_grades", path=f"startTime={BAD}", times=None, rows=200, text="高意向2026")
    run("grade_stats_sync", FIRST, YESTERDAY)
    seen = all_of("SUCCEEDED") | {BAD.isoformat(): "FAILED"}
    assert colours(pg_instance, "call_records", "grades_are_known", daily, RANGE) == seen
    guanke.clear_faults()
    run("grade_stats_sync", BAD + dt.timedelta(days=1), YESTERDAY)
    run("grade_stats_sync", FIRST, FIRST)
    assert colours(pg_instance, "call_records", "grades_are_known", daily, RANGE) == seen
    assert run("grade_stats_sync", BAD, BAD).success
    assert colours(pg_instance, "call_records", "grades_are_known", daily, RANGE) == all_of("SUCCEEDED")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("wrong_value", {"field": "callState", "value": 7}),
        ("code", {"code": 500, "message": "boom"}),
        ("code", {"code": 400, "message": "参数错误"}),
        ("status", {"status": 503}),
        ("duplicate_ids", {"rows": 3}),
    ],
)
def test_a_failing_day_of_a_range_alone_is_failed_and_can_be_rerun_alone(
    run, guanke, pg_instance, daily, connection, kind, options
):
    guanke.plant(kind, path=f"startTime={BAD}", times=None, **options)
    result = run("grade_stats_sync", FIRST, YESTERDAY)
    assert not result.success
    assert str(BAD) in failure_of(result)
    assert all(str(day) not in failure_of(result).replace(f"startTime={BAD}", "") for day in RANGE if day != BAD)
    for asset in ASSETS["grade"]:
        assert partitions(pg_instance, asset, daily, RANGE) == all_of("MATERIALIZED") | {BAD.isoformat(): "FAILED"}
    assert [store.read_grade_day(connection, day) is not None for day in RANGE] == [day != BAD for day in RANGE]
    statuses = Counter(status for *_, status in check_rows(pg_instance).elements())
    assert statuses["PLANNED"] == 0
    for asset, name in GRADE_CHECKS:
        seen = colours(pg_instance, asset, name, daily, RANGE)
        assert {day: status for day, status in seen.items() if day != str(BAD)} == {
            str(day): "SUCCEEDED" for day in RANGE if day != BAD
        }
    assert colours(pg_instance, "call_records", "fetched_rows_equal_reported_total", daily, [BAD]) == {str(BAD): "FAILED"}

    guanke.clear_faults()
    assert run("grade_stats_sync", BAD, BAD).success
    for asset in ASSETS["grade"]:
        assert partitions(pg_instance, asset, daily, RANGE) == all_of("MATERIALIZED")
    for asset, name in GRADE_CHECKS:
        assert colours(pg_instance, asset, name, daily, RANGE) == all_of("SUCCEEDED")


def test_a_failing_day_of_the_task_track_is_failed_alone(run, guanke, pg_instance, daily):
    guanke.plant("code", path=f"start_time={BAD}", times=None, code=400, message="参数错误")
    assert not run("task_stats_sync", FIRST, YESTERDAY).success
    assert partitions(pg_instance, "task_stats_cache", daily, RANGE) == all_of("MATERIALIZED") | {str(BAD): "FAILED"}
    assert colours(pg_instance, "task_stats_cache", "task_cache_has_one_row_per_date", daily, RANGE) == all_of(
        "SUCCEEDED"
    ) | {str(BAD): "FAILED"}


def test_a_blocking_check_keeps_its_day_from_being_shown_as_done(run, pg_instance, daily, monkeypatch):
    def doubled(facts):
        return Finding(facts.date != BAD, f"ids of {facts.date}")

    broken = [
        check if check.name != "call_record_ids_are_unique" else _with(check, doubled) for check in CHECKS["call_records"]
    ]
    monkeypatch.setitem(CHECKS, "call_records", tuple(broken))
    result = run("grade_stats_sync", FIRST, YESTERDAY)
    assert f"{BAD}: call_records: call record ids are unique: ids of {BAD}" in failure_of(result)
    for asset in ASSETS["grade"]:
        assert partitions(pg_instance, asset, daily, RANGE) == all_of("MATERIALIZED") | {str(BAD): "FAILED"}


def test_a_check_that_raises_is_a_failed_evaluation_with_its_reason_and_fails_the_run(run, pg_instance, daily, monkeypatch):
    def raises(facts):
        raise ZeroDivisionError("no calls to divide by")

    broken = [check if check.name != "grades_are_known" else _with(check, raises) for check in CHECKS["call_records"]]
    monkeypatch.setitem(CHECKS, "call_records", tuple(broken))
    result = run("grade_stats_sync", YESTERDAY, YESTERDAY)
    assert "grades are known: could not be judged: ZeroDivisionError: no calls to divide by" in failure_of(result)
    assert colours(pg_instance, "call_records", "grades_are_known", daily, [YESTERDAY]) == {str(YESTERDAY): "FAILED"}
    assert all(status != "PLANNED" for *_, status in check_rows(pg_instance))


def _with(check, judge):
    return type(check)(check.name, judge, check.description, warns=check.warns, blocking=check.blocking)


def events_of(instance, asset):
    """The materializations of the asset, in the order in which they were written."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset))
    return instance.fetch_materializations(wanted, limit=50, ascending=True).records


def days_shown(instance, asset):
    return [record.partition_key for record in events_of(instance, asset)]


NEWEST_FIRST = [day.isoformat() for day in reversed(RANGE)]


def test_the_newest_day_comes_first_and_is_shown_again_at_the_end_where_the_ui_looks(run, pg_instance, daily):
    assert run("grade_stats_sync", FIRST, YESTERDAY).success
    for asset in ASSETS["grade"]:
        assert days_shown(pg_instance, asset) == [*NEWEST_FIRST, str(YESTERDAY)]
        first, *_, last = (record.asset_materialization for record in events_of(pg_instance, asset))
        assert first.metadata == last.metadata
        for check in CHECKS[asset]:
            assert colours(pg_instance, asset, check.name, daily, RANGE) == all_of("SUCCEEDED")
    assert set(check_rows(pg_instance).values()) == {1}


def test_of_a_run_whose_newest_day_is_bad_the_newest_good_one_is_shown_at_the_end(run, guanke, pg_instance):
    guanke.plant("code", path=f"start_time={YESTERDAY}", times=None, code=400, message="参数错误")
    assert not run("task_stats_sync", FIRST, YESTERDAY).success
    assert days_shown(pg_instance, "task_stats_cache") == [*NEWEST_FIRST[1:], NEWEST_FIRST[1]]


def test_every_day_is_shown_in_its_turn_so_that_a_run_that_is_terminated_loses_none(run, pg_instance, monkeypatch):
    show = runs.TrackRun._show

    def terminated(self, day, done):
        show(self, day, done)
        if day == BAD:
            raise DagsterExecutionInterruptedError

    monkeypatch.setattr(runs.TrackRun, "_show", terminated)
    assert not run("task_stats_sync", FIRST, YESTERDAY).success
    assert days_shown(pg_instance, "task_stats_cache") == NEWEST_FIRST[:3]


def test_what_another_door_has_shown_of_the_newest_day_since_stands(run, pg_instance, monkeypatch):
    lead = runs.TrackRun._lead_with_the_newest

    def later(self):
        event = dg.AssetMaterialization("task_stats_cache", partition=str(YESTERDAY), metadata={"by": "another door"})
        pg_instance.report_runless_asset_event(event)
        lead(self)

    monkeypatch.setattr(runs.TrackRun, "_lead_with_the_newest", later)
    result = run("task_stats_sync", FIRST, YESTERDAY)
    assert result.success
    *_, last = events_of(pg_instance, "task_stats_cache")
    assert (last.partition_key, last.asset_materialization.metadata["by"].value) == (str(YESTERDAY), "another door")
    assert last.run_id != result.run_id


def test_a_failure_that_passes_is_repaired_by_a_retry_of_the_failed_days_alone(run, guanke, pg_instance, daily, monkeypatch):
    monkeypatch.setattr(retries, "VENDOR", dg.RetryPolicy(max_retries=1, delay=0))
    guanke.plant("duplicate_ids", path=f"startTime={BAD}", times=None, rows=3)
    asked = []

    def sync_days(engine, client, track, wanted, **options):
        asked.append(sorted(wanted))
        if len(asked) == 2:
            guanke.clear_faults()
        return sync_module.sync_days(engine, client, track, wanted, **options)

    monkeypatch.setattr(runs, "sync_days", sync_days)
    assert run("grade_stats_sync", FIRST, YESTERDAY).success
    assert asked == [RANGE, [BAD]]
    assert partitions(pg_instance, "call_records", daily, RANGE) == all_of("MATERIALIZED")
    assert set(check_rows(pg_instance).values()) == {1}
    assert days_shown(pg_instance, "call_records") == [
        *(day for day in NEWEST_FIRST if day != str(BAD)),
        str(BAD),
        str(YESTERDAY),
    ]


@pytest.mark.parametrize("asset", ["grade_stats_cache", "agent_ranking", "hourly_orders"])
def test_a_cache_materialized_alone_is_counted_from_stored_records_or_read_when_there_are_none(
    run, sync, guanke, pg_instance, daily, connection, engine, asset
):
    sync("grade", YESTERDAY)
    with engine.begin() as meddling:
        meddling.execute(sa.text(f"DELETE FROM {asset}"))
    two = [YESTERDAY - dt.timedelta(days=1), YESTERDAY]
    assert run("grade_stats_sync", *two, asset_selection=[dg.AssetKey(asset)]).success
    assert partitions(pg_instance, asset, daily, two) == all_of("MATERIALIZED", two)
    assert partitions(pg_instance, "call_records", daily, two) == {str(two[0]): "MATERIALIZED", str(two[1]): "MISSING"}
    for day in two:
        assert store.read_grade_day(connection, day).total_records == truth(guanke, day)["total_records"]
    assert {row[3] for row in check_rows(pg_instance)} == {"SUCCEEDED"}


def test_checks_executed_alone_judge_the_days_of_their_run(sync, stats_runtime, pg_instance, daily):
    sync("task", *RANGE)
    job = dg.define_asset_job("alone", selection=dg.AssetSelection.checks_for_assets("task_stats_cache"))
    made = dg.Definitions.merge(build(stats_runtime), dg.Definitions(jobs=[job])).resolve_job_def("alone")
    assert made.execute_in_process(instance=pg_instance, tags=range_tags(FIRST, YESTERDAY, "manual")).success
    names = [check.name for check in CHECKS["task_stats_cache"]]
    assert check_rows(pg_instance) == Counter(
        ("task_stats_cache", name, str(day), "SUCCEEDED") for name in names for day in RANGE
    )
    assert partitions(pg_instance, "task_stats_cache", daily, RANGE) == all_of("MISSING")


def test_a_held_day_alone_is_failed_until_a_run_is_asked_to_publish_it(run, guanke, pg_instance, daily, connection):
    guanke.plant("unknown_grades", path=f"startTime={BAD}", times=None, rows=600, text="高意向2026")
    result = run("grade_stats_sync", FIRST, YESTERDAY)
    assert f"{BAD}: held" in failure_of(result)
    for asset in ASSETS["grade"]:
        assert partitions(pg_instance, asset, daily, RANGE) == all_of("MATERIALIZED") | {str(BAD): "FAILED"}
    for name in ("grades_are_known", "newest_grade_read_is_published"):
        assert colours(pg_instance, "call_records", name, daily, RANGE) == all_of("SUCCEEDED") | {str(BAD): "FAILED"}
    config = {"ops": {"grade_track": {"config": {"publish_held": True}}}}
    assert run("grade_stats_sync", BAD, BAD, run_config=config).success
    assert partitions(pg_instance, "grade_stats_cache", daily, RANGE) == all_of("MATERIALIZED")
    seen = colours(pg_instance, "call_records", "newest_grade_read_is_published", daily, RANGE)
    assert seen == all_of("SUCCEEDED")
    assert colours(pg_instance, "call_records", "grades_are_known", daily, [BAD]) == {str(BAD): "FAILED"}
    assert store.read_grade_day(connection, BAD).total_records == truth(guanke, BAD)["total_records"]
