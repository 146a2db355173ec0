"""What goes wrong in Dagster becomes one alert each, also what never reaches a run-failure sensor."""

import datetime as dt

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster_shared.error import SerializableErrorInfo

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.defs.alerts.sensors import (
    RESCAN,
    alert_delivery,
    check_failure_alerts,
    run_failure_alerts,
    tick_failure_alerts,
)
from calling_pipeline.errors import VendorTimeout

daily = dg.DailyPartitionsDefinition("2026-11-01", timezone="Asia/Shanghai", end_offset=1)


@dg.asset(partitions_def=daily)
def numbers() -> None:
    """An asset."""


def check(passes, severity=dg.AssetCheckSeverity.WARN, blocking=False):
    @dg.asset_check(asset=numbers, blocking=blocking)
    def rates_are_in_range() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passes, severity=severity, metadata={"bad_rows": 3, "sample": "13812340000"})

    return rates_are_in_range


def run(instance, *, passes, day="2026-11-20", **how):
    dg.materialize([numbers, check(passes, **how)], partition_key=day, instance=instance, raise_on_error=False)


@pytest.fixture
def scan(instance, runtime):
    """Evaluate the check sensor as the daemon would, its cursor kept between calls."""
    cursor: list[str | None] = ["0"]

    def evaluate():
        with dg.build_sensor_context(instance=instance, cursor=cursor[0], resources={"runtime": runtime}) as context:
            check_failure_alerts.evaluate_tick(context)
            cursor[0] = context.cursor

    return evaluate


def titles(runtime):
    with runtime.transaction() as connection:
        kept = store.stored_alerts(connection, since=days.now() - dt.timedelta(days=1))
    return [(one.severity, one.title) for one in reversed(kept)]


def texts(runtime):
    with runtime.transaction() as connection:
        return [one.text for one in store.stored_alerts(connection, since=days.now() - dt.timedelta(days=1))]


def test_a_warning_check_whose_run_succeeds_is_alerted_once(instance, runtime, scan):
    run(instance, passes=False)
    scan()
    scan()
    assert titles(runtime) == [("warning", "Failing: numbers: rates are in range")]
    assert "2026-11-20" in texts(runtime)[0]
    assert "bad_rows: 3" in texts(runtime)[0]


def test_alerts_carry_no_whole_phone_number(instance, runtime, scan):
    run(instance, passes=False)
    scan()
    assert "138****0000" in texts(runtime)[0]
    assert "13812340000" not in texts(runtime)[0]


def test_a_check_that_stays_bad_is_alerted_once_and_its_recovery_too(instance, runtime, scan):
    for passes in (True, False, False, True, True):
        run(instance, passes=passes)
        scan()
    assert titles(runtime) == [
        ("warning", "Failing: numbers: rates are in range"),
        ("info", "Recovered: numbers: rates are in range"),
    ]


def test_each_day_is_judged_for_itself_and_an_error_outranks_a_warning(instance, runtime, scan):
    run(instance, passes=False, day="2026-11-19")
    run(instance, passes=False, day="2026-11-20")
    run(instance, passes=False, day="2026-11-20", severity=dg.AssetCheckSeverity.ERROR, blocking=True)
    scan()
    assert [severity for severity, _ in titles(runtime)] == ["warning", "warning", "error"]


def test_a_lost_cursor_alerts_nothing_twice(instance, runtime, scan):
    run(instance, passes=False)
    scan()
    with dg.build_sensor_context(instance=instance, cursor="0", resources={"runtime": runtime}) as context:
        check_failure_alerts.evaluate_tick(context)
    assert len(titles(runtime)) == 1


def test_a_first_start_tells_what_has_just_failed_and_nothing_of_history(instance, runtime):
    run(instance, passes=False, day="2026-11-18")
    [old] = instance.get_runs()
    for _ in range(RESCAN):
        instance.report_engine_event("time passes", old)
    run(instance, passes=False, day="2026-11-20")
    with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
        check_failure_alerts.evaluate_tick(context)
    [text] = texts(runtime)
    assert text.startswith("2026-11-20")


def failed_run(instance, error):
    @dg.op
    def sync():
        raise error

    @dg.job
    def grade_stats_sync():
        sync()

    return grade_stats_sync.execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": "2026-11-20"}
    )


def alert_on(instance, runtime, result):
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failure_alerts",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        resources={"runtime": runtime},
    ).for_run_failure()
    run_failure_alerts(context)


def test_a_failed_run_is_alerted_once_with_its_reason_and_day(instance, runtime):
    result = failed_run(instance, RuntimeError("Guanke reported 1200 rows, 1100 were read; 13812340000"))
    alert_on(instance, runtime, result)
    alert_on(instance, runtime, result)
    assert titles(runtime) == [("error", "Run failed: grade_stats_sync")]
    assert texts(runtime)[0].startswith("2026-11-20\nGuanke reported 1200 rows, 1100 were read; 138****0000\nrun ")


def test_a_vendor_that_timed_out_is_named_in_the_title(instance, runtime):
    error = dg.Failure("the sync failed")
    error.__cause__ = VendorTimeout("guanke /task/cdr/all2 did not answer in time")
    alert_on(instance, runtime, failed_run(instance, error))
    assert titles(runtime) == [("error", "Vendor timed out: grade_stats_sync")]


def test_a_sensor_that_fails_itself_is_alerted(instance, runtime):
    state = InstigatorState(_origin("calling_tasks"), InstigatorType.SENSOR, InstigatorStatus.RUNNING)
    instance.add_instigator_state(state)
    for status in (TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.FAILURE):
        instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id,
                instigator_name="calling_tasks",
                instigator_type=InstigatorType.SENSOR,
                status=status,
                timestamp=days.now().timestamp(),
                selector_id=state.selector_id,
                run_ids=["some run"] if status == TickStatus.SUCCESS else [],
                error=SerializableErrorInfo("ValueError: no such table", [], "ValueError")
                if status == TickStatus.FAILURE
                else None,
            )
        )
        with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
            tick_failure_alerts.evaluate_tick(context)
    assert titles(runtime) == [("error", "Failing: sensor calling_tasks")]


def _origin(name):
    from dagster._core.remote_origin import (
        ManagedGrpcPythonEnvCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="m"), "calling_pipeline")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)


def test_without_a_channel_the_sensor_says_where_the_alerts_are(instance, runtime):
    with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
        assert "stay in the table" in alert_delivery.evaluate_tick(context).skip_message
