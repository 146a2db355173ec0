"""What goes wrong in Dagster is one alert for each thing that is wrong, also what never reaches a run-failure sensor."""

import datetime as dt
import json
import uuid

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.events import StepMaterializationData
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster_shared.error import SerializableErrorInfo

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.defs.alerts.events import RESCAN
from calling_pipeline.defs.alerts.sensors import check_failure_alerts, run_failure_alerts
from calling_pipeline.defs.windows import RANGE_END, RANGE_START
from calling_pipeline.errors import VendorTimeout
from calling_pipeline_tests.dagster_support import check_rows

daily = dg.DailyPartitionsDefinition("2026-11-01", timezone="Asia/Shanghai", end_offset=1)
D19, D20, D21, D22 = "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"


@dg.asset(partitions_def=daily)
def numbers() -> None:
    """An asset."""


@pytest.fixture
def sensor(instance, runtime):
    """Evaluates an alert sensor as the daemon would, its cursor kept between calls."""
    cursors: dict[str, str | None] = {}

    def evaluate(which, repository=None):
        cursor = cursors.setdefault(which.name, '{"newest": 0, "seen": [], "quiet": false}')
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"runtime": runtime}, repository_def=repository
        ) as context:
            skipped = which.evaluate_tick(context).skip_message
            cursors[which.name] = context.cursor
            return skipped

    return evaluate


@pytest.fixture
def scan(sensor):
    return lambda: sensor(check_failure_alerts)


def judge(instance, day, *, passes, severity=dg.AssetCheckSeverity.WARN, check="rates_are_in_range", **metadata):
    """A verdict on one day (None: on a thing without a day), as a run writes it; each of them another run."""
    evaluation = dg.AssetCheckEvaluation(
        asset_key=numbers.key,
        check_name=check,
        passed=passes,
        severity=severity,
        partition=day,
        metadata={"bad_rows": 3, "sample": "13812340000", **metadata},
    )
    event = dg.DagsterEvent(dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, "some_job", event_specific_data=evaluation)
    instance.report_dagster_event(event, run_id=str(uuid.uuid4()))


def stored(runtime):
    with runtime.transaction() as connection:
        return list(reversed(store.stored_alerts(connection, since=days.now() - dt.timedelta(days=2))))


def titles(runtime):
    return [(one.severity, one.title) for one in stored(runtime)]


def conditions(runtime, **how):
    with runtime.transaction() as connection:
        return store.conditions(connection, since=days.now() - dt.timedelta(days=1), **how)


def test_a_failing_check_is_alerted_once_with_its_day_its_numbers_and_no_whole_phone(instance, runtime, scan):
    judge(instance, D20, passes=False, calls=12345678)
    scan()
    scan()
    [alert] = stored(runtime)
    assert (alert.severity, alert.title) == ("warning", "Failing: numbers: rates are in range, 2026-11-20")
    assert "bad_rows: 3" in alert.text
    assert "calls: 12345678" in alert.text
    assert "138****0000" in alert.text
    assert "13812340000" not in alert.text


def test_one_bad_day_in_three_overlapping_runs_is_alerted_once_and_its_recovery_once(instance, runtime, scan):
    for first, last in ((D20, D20), (D19, D21), (D20, D22)):
        for each in days.day_range(days.parse_day(first), days.parse_day(last)):
            judge(instance, str(each), passes=str(each) != D20)
        scan()
    for day in (D19, D20):
        judge(instance, day, passes=True)
    scan()
    assert titles(runtime) == [
        ("warning", "Failing: numbers: rates are in range, 2026-11-20"),
        ("info", "Recovered: numbers: rates are in range, 2026-11-20"),
    ]
    assert conditions(runtime, only_open=True) == []


def test_a_good_run_over_other_days_closes_nothing(instance, runtime, scan):
    judge(instance, D20, passes=False)
    scan()
    judge(instance, D21, passes=True)
    scan()
    [open_one] = conditions(runtime, only_open=True)
    assert (open_one.day, open_one.times_announced) == (dt.date(2026, 11, 20), 1)


def test_the_same_check_on_several_days_is_one_message_and_one_condition_per_day(instance, runtime, scan):
    for day in (D19, D20, D22):
        judge(instance, day, passes=False)
    scan()
    assert titles(runtime) == [("warning", "Failing: numbers: rates are in range, 2026-11-19, 2026-11-20, 2026-11-22")]
    judge(instance, D20, passes=True)
    scan()
    assert titles(runtime)[1:] == [("info", "Recovered: numbers: rates are in range, 2026-11-20")]
    assert [one.day.day for one in sorted(conditions(runtime, only_open=True), key=lambda one: one.day)] == [19, 22]


def test_an_error_is_alerted_although_a_warning_was(instance, runtime, scan):
    judge(instance, D20, passes=False)
    judge(instance, D20, passes=False, severity=dg.AssetCheckSeverity.ERROR)
    scan()
    assert "error" in [severity for severity, _ in titles(runtime)]


def test_a_judgement_of_what_has_no_day_is_one_condition_whichever_run_makes_it(instance, runtime, scan):
    judge(instance, None, passes=False)
    scan()
    judge(instance, None, passes=True)
    scan()
    assert [title for _, title in titles(runtime)] == [
        "Failing: numbers: rates are in range",
        "Recovered: numbers: rates are in range",
    ]


def ranged(first, last):
    return {RANGE_START: first, RANGE_END: last}


def test_one_result_for_a_range_is_a_judgement_of_each_of_its_days(instance, runtime, scan):
    @dg.asset(partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run(), name="numbers")
    def ranged_numbers() -> None:
        """An asset."""

    @dg.asset_check(asset=ranged_numbers)
    def rates_are_in_range() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, metadata={"bad_days": f"{D20}, {D21}"})

    judge(instance, D19, passes=False)
    scan()
    dg.materialize([ranged_numbers, rates_are_in_range], instance=instance, tags=ranged(D19, D21))
    scan()
    assert [title for _, title in titles(runtime)] == [
        "Failing: numbers: rates are in range, 2026-11-19",
        "Recovered: numbers: rates are in range, 2026-11-19",
        "Failing: numbers: rates are in range, 2026-11-20 to 2026-11-21",
    ]


def test_a_lost_cursor_alerts_nothing_twice(instance, runtime, scan):
    judge(instance, D20, passes=False)
    scan()
    with dg.build_sensor_context(instance=instance, cursor="0", resources={"runtime": runtime}) as context:
        check_failure_alerts.evaluate_tick(context)
    assert len(titles(runtime)) == 1


def test_a_first_start_says_what_has_just_failed_and_nothing_of_history(instance, runtime):
    dg.materialize([numbers], partition_key=D19, instance=instance)
    [old] = instance.get_runs()
    judge(instance, "2026-11-18", passes=False)
    for _ in range(RESCAN):
        instance.report_engine_event("time passes", old)
    judge(instance, D20, passes=False)
    with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
        check_failure_alerts.evaluate_tick(context)
    assert [title for _, title in titles(runtime)] == ["Failing: numbers: rates are in range, 2026-11-20"]


def test_an_event_that_is_committed_after_a_newer_one_is_read_all_the_same(instance, runtime, scan):
    judge(instance, D20, passes=False)
    scan()
    [late] = instance.event_log_storage.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
    judge(instance, D21, passes=False)
    with instance.event_log_storage.index_connection() as connection:
        from sqlalchemy import text

        connection.execute(text("UPDATE event_logs SET id = id + 100 WHERE id > :id"), {"id": late.storage_id})
    scan()
    judge(instance, D22, passes=False)  # the sequence is behind: its id lies below the one before
    scan()
    assert len(titles(runtime)) == 3


def test_when_nothing_was_written_the_log_is_not_read_again(instance, scan, sensor, monkeypatch):
    judge(instance, D20, passes=False)
    for _ in range(3):
        scan()
    monkeypatch.setattr(instance.event_log_storage, "get_event_records", None)
    assert "0 evaluations read" in scan()


def a_job(fail_on, error, *, alone):
    """A job of two assets in a row: the first materializes the days but those of `fail_on`, and fails then.

    Of the good days it reports the second asset too, unless `alone`.
    """
    failing = set(fail_on)

    @dg.asset(partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run())
    def call_records(context: dg.AssetExecutionContext) -> None:
        wanted = list(context.partition_keys)
        if not failing & set(wanted):
            return
        for day in wanted:
            if day not in failing:
                context.log_event(dg.AssetMaterialization("call_records", partition=day))
                if not alone:
                    context.log_event(dg.AssetMaterialization("grade_stats_cache", partition=day))
        raise error

    @dg.asset(partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run(), deps=[call_records])
    def grade_stats_cache() -> None:
        """After it."""

    job = dg.define_asset_job("grade_stats_sync", selection=[call_records, grade_stats_cache])
    return dg.Definitions(assets=[call_records, grade_stats_cache], jobs=[job], executor=dg.in_process_executor)


@pytest.fixture
def attempt(instance, sensor):
    """Run the job (or only the assets of `select`) and let the sensor look."""

    def run(tags, *, fail_on=(), error=None, select=None, alone=False):
        error = error or RuntimeError("Guanke reported 1200 rows, 1100 were read; 13812340000")
        defs = a_job(fail_on, error, alone=alone)
        job = defs.resolve_job_def("grade_stats_sync" if select is None else "__ASSET_JOB")
        selection = None if select is None else [dg.AssetKey(name) for name in select]
        done = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False, asset_selection=selection)
        sensor(run_failure_alerts, defs.get_repository_def())
        return done

    return run


def test_a_failed_run_is_alerted_with_its_reason_its_day_and_a_run_id_that_can_be_found(runtime, attempt):
    done = attempt({"dagster/partition": D20}, fail_on=[D20])
    [alert] = stored(runtime)
    assert (alert.severity, alert.title) == ("error", "Failing: run of grade_stats_sync, 2026-11-20")
    assert alert.text == f"Guanke reported 1200 rows, 1100 were read; 138****0000\nrun {done.dagster_run.run_id}"


def test_runs_that_fail_over_one_day_are_alerted_once_and_the_run_that_repairs_it_once_whatever_its_range(runtime, attempt):
    attempt({"dagster/partition": D20}, fail_on=[D20])
    attempt(ranged(D19, D21), fail_on=[D20])
    attempt(ranged(D20, D22), fail_on=[D20])
    attempt(ranged(D19, D20))
    assert [title for _, title in titles(runtime)] == [
        "Failing: run of grade_stats_sync, 2026-11-20",
        "Recovered: run of grade_stats_sync, 2026-11-20",
    ]
    assert conditions(runtime, only_open=True) == []


def cancelled_in_the_queue(instance, tags):
    """A run of the job that is cancelled before it begins, as the UI does it."""
    defs = a_job([], RuntimeError(), alone=False)
    run = instance.create_run_for_job(defs.resolve_job_def("grade_stats_sync"), tags=tags)
    instance.report_run_canceled(run)
    return run


def test_a_cancelled_run_is_alerted_as_a_warning_and_closed_by_a_run_that_does_its_days(instance, runtime, sensor, attempt):
    run = cancelled_in_the_queue(instance, {"dagster/partition": D20})
    sensor(run_failure_alerts)
    [alert] = stored(runtime)
    assert alert.severity == "warning"
    assert run.run_id in alert.text
    opened = {(one.subject, str(one.day)) for one in conditions(runtime, only_open=True)}
    assert opened == {("call_records", D20), ("grade_stats_cache", D20)}
    attempt(ranged(D19, D21))
    assert conditions(runtime, only_open=True) == []


def test_a_day_that_a_cancelled_run_had_done_is_not_undone(instance, runtime, sensor):
    run = cancelled_in_the_queue(instance, {"dagster/partition": D20})
    for asset in ("call_records", "grade_stats_cache"):
        done = dg.AssetMaterialization(asset, partition=D20)
        event = dg.DagsterEvent(
            dg.DagsterEventType.ASSET_MATERIALIZATION.value,
            "grade_stats_sync",
            event_specific_data=StepMaterializationData(done),
        )
        instance.report_dagster_event(event, run_id=run.run_id)
    sensor(run_failure_alerts)
    assert conditions(runtime, only_open=True) == []


def test_only_the_days_that_a_failed_range_left_undone_are_open_and_only_the_first_asset_that_lacks_them(runtime, attempt):
    attempt(ranged(D19, D22), fail_on=[D20, D21], alone=True)
    opened = {(one.subject, str(one.day)) for one in conditions(runtime, only_open=True)}
    assert opened == {
        ("call_records", D20), ("call_records", D21), ("grade_stats_cache", D19), ("grade_stats_cache", D22),
    }  # fmt: skip
    assert [title for _, title in titles(runtime)] == ["Failing: run of grade_stats_sync, 2026-11-19 to 2026-11-22"]


def test_materialize_repairs_what_a_job_left_undone_and_is_named_by_its_assets(runtime, attempt):
    attempt({"dagster/partition": D20}, fail_on=[D20], select=["call_records"])
    attempt({"dagster/partition": D20}, select=["call_records"])
    assert [title for _, title in titles(runtime)] == [
        "Failing: run of call_records, 2026-11-20",
        "Recovered: run of call_records, 2026-11-20",
    ]


def test_a_run_that_succeeds_over_another_day_closes_nothing(runtime, attempt):
    attempt({"dagster/partition": D20}, fail_on=[D20])
    attempt({"dagster/partition": D21})
    assert len(conditions(runtime, only_open=True)) == 1


def test_a_vendor_that_timed_out_is_named(runtime, attempt):
    error = dg.Failure("the sync failed")
    error.__cause__ = VendorTimeout("guanke /task/cdr/all2 did not answer in time")
    attempt({"dagster/partition": D20}, fail_on=[D20], error=error)
    assert stored(runtime)[0].text.startswith("Vendor timed out. guanke /task/cdr/all2 did not answer in time")


def test_a_job_without_assets_is_a_condition_of_its_own(instance, runtime, sensor):
    broken = [True]

    @dg.op
    def work():
        if broken:
            raise RuntimeError("no space left")

    @dg.job
    def housekeeping():
        work()

    for _ in range(2):
        housekeeping.execute_in_process(instance=instance, raise_on_error=False)
        sensor(run_failure_alerts)
    broken.clear()
    housekeeping.execute_in_process(instance=instance)
    sensor(run_failure_alerts)
    assert [title for _, title in titles(runtime)] == ["Failing: run of housekeeping", "Recovered: run of housekeeping"]


def test_a_sensor_that_fails_itself_is_alerted_and_so_is_its_recovery(instance, runtime, sensor):
    state = InstigatorState(_origin("calling_tasks"), InstigatorType.SENSOR, InstigatorStatus.RUNNING)
    instance.add_instigator_state(state)
    for number, status in enumerate((TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.FAILURE, TickStatus.SKIPPED)):
        failed = status == TickStatus.FAILURE
        instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id,
                instigator_name="calling_tasks",
                instigator_type=InstigatorType.SENSOR,
                status=status,
                timestamp=days.now().timestamp() + number,
                selector_id=state.selector_id,
                run_ids=["some run"] if status == TickStatus.SUCCESS else [],
                error=SerializableErrorInfo("ValueError: no such table", [], "ValueError") if failed else None,
            )
        )
        sensor(run_failure_alerts)
    assert titles(runtime) == [("error", "Failing: sensor calling_tasks"), ("info", "Recovered: sensor calling_tasks")]


def _origin(name):
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="m"), "calling_pipeline")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)


def test_without_a_channel_the_sensors_say_where_the_alerts_are(sensor):
    for one in (run_failure_alerts, check_failure_alerts):
        assert "stay in the table" in sensor(one)


def test_what_stays_wrong_is_alerted_again_after_a_day_though_nobody_judges_it_again(instance, runtime, scan, sensor):
    judge(instance, str(days.today()), passes=False)
    scan()
    with days.frozen(days.now() + dt.timedelta(hours=25)):
        for _ in range(2):
            sensor(run_failure_alerts)
        [one] = conditions(runtime, only_open=True)
    assert one.times_announced == 2
    assert [title.split(":")[0] for _, title in titles(runtime)] == ["Failing", "Still failing"]


def test_the_cursor_of_the_version_before_is_understood(instance, runtime):
    judge(instance, D20, passes=False)
    with dg.build_sensor_context(instance=instance, cursor="0", resources={"runtime": runtime}) as context:
        check_failure_alerts.evaluate_tick(context)
        assert json.loads(str(context.cursor))["newest"] > 0
    assert len(titles(runtime)) == 1


def test_what_a_failed_run_planned_and_did_not_judge_is_not_left_as_skipped(instance, runtime, sensor):
    def broken(context: dg.AssetExecutionContext) -> None:
        raise RuntimeError("no numbers")

    def fine(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    counted = dg.asset(name="counted", partitions_def=daily)(broken)
    is_fine = dg.asset_check(asset="counted", name="is_fine", partitions_def=daily)(fine)
    made = dg.define_asset_job("all", selection=dg.AssetSelection.all(include_sources=False))
    defs = dg.Definitions(assets=[counted], asset_checks=[is_fine], jobs=[made], executor=dg.in_process_executor)
    done = defs.resolve_job_def("all").execute_in_process(instance=instance, partition_key=D20, raise_on_error=False)
    assert not done.success
    assert [status for *_, status in check_rows(instance)] == ["PLANNED"]
    sensor(run_failure_alerts, defs.get_repository_def())
    assert not check_rows(instance)
