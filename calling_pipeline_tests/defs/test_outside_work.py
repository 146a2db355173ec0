"""What is done by command line or API appears on the pages of Dagster, judged, once."""

import datetime as dt

import dagster as dg
import pytest
from dagster._core.event_api import PartitionKeyFilter

from calling_pipeline import days
from calling_pipeline.activity import noting, store
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.alerts.records import Condition
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.definitions import build
from calling_pipeline.defs.activity import reporting
from calling_pipeline.defs.alerts.sensors import check_failure_alerts
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import LIMIT_S

GRADE_ASSETS = {"call_records", "grade_stats_cache", "agent_ranking", "hourly_orders"}


@pytest.fixture
def own_runtime(app_settings, simulator):
    made = Runtime(app_settings.model_copy(update={"guanke_base_url": f"{simulator.url}/guanke"}))
    yield made
    made.close()


@pytest.fixture
def day():
    return days.today() - dt.timedelta(days=1)


@pytest.fixture
def sync(own_runtime, day):
    """Sync the day as the command line and the API do."""

    def run(*wanted):
        client, of = guanke_client(own_runtime), wanted or (day,)
        sync_days(own_runtime.engine, client, "grade", of, sync_type="manual", phone_key=own_runtime.phone_key)

    return run


@pytest.fixture
def tick(instance, own_runtime, monkeypatch):
    monkeypatch.setattr(reporting, "LONGEST_S", LIMIT_S)  # one tick reports all that is there

    def evaluate():
        with dg.build_sensor_context(instance=instance, resources={"runtime": own_runtime}) as context:
            return check_failure_alerts.evaluate_tick(context).skip_message

    return evaluate


def shown(instance, asset, day):
    """Materializations of the asset's day, newest first."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[str(day)])
    return instance.fetch_materializations(wanted, limit=100).records


def judged(instance, asset, check, day):
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    of_day = PartitionKeyFilter(key=str(day))
    [found] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, partition_filter=of_day)
    return found.status.value


def evaluated(instance, asset, check, day):
    """The newest evaluation of the check of that day."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    of_day = PartitionKeyFilter(key=str(day))
    [found] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, partition_filter=of_day)
    return found.event.dagster_event.asset_check_evaluation_data


def noted(runtime):
    with runtime.transaction() as connection:
        return [(one.asset, one.day) for one in store.unreported(connection, limit=100)]


def test_a_sync_outside_dagster_is_materialized_and_judged_once(instance, own_runtime, sync, tick, day):
    sync()
    assert {asset for asset, _ in noted(own_runtime)} == GRADE_ASSETS
    assert "work outside runs on 4 assets and days reported" in tick()
    assert "work outside runs on 0 assets and days reported" in tick()
    for asset in GRADE_ASSETS:
        assert len(shown(instance, asset, day)) == 1
    [record] = shown(instance, "grade_stats_cache", day)
    metadata = record.asset_materialization.metadata
    assert metadata["total_success"].value > 0
    assert "outside_a_run" in metadata
    page = f"{own_runtime.settings.address}/stats?date={day}"
    assert metadata["console"].value == page
    assert evaluated(instance, "call_records", "call_record_ids_are_unique", day).metadata["console"].value == page
    assert judged(instance, "call_records", "call_record_ids_are_unique", day) == "SUCCEEDED"
    assert noted(own_runtime) == []


def test_of_days_done_outside_dagster_the_newest_is_reported_last_where_the_ui_looks(instance, sync, tick, day):
    sync(day - dt.timedelta(days=1), day)
    tick()
    for asset in GRADE_ASSETS:
        newest = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset)), limit=2).records
        assert [record.partition_key for record in newest] == [str(day), str(day - dt.timedelta(days=1))]


def test_the_same_day_done_again_is_judged_again(instance, sync, tick, day, simulator):
    sync()
    tick()
    simulator.plant("unknown_grades", path="/task/cdr/all2", times=None, rows=400, text="?")
    sync()
    tick()
    assert judged(instance, "call_records", "grades_are_known", day) == "FAILED"
    assert len(shown(instance, "call_records", day)) == 1  # the read is held: the numbers before stand
    simulator.clear_faults()
    sync()
    tick()
    assert judged(instance, "call_records", "grades_are_known", day) == "SUCCEEDED"


def test_a_report_that_is_interrupted_is_made_again(instance, own_runtime, sync, tick, day, monkeypatch):
    sync()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "forget", stop)
        with pytest.raises(KeyboardInterrupt):
            reporting.report_outside_work(instance, own_runtime)
    tick()
    assert noted(own_runtime) == []
    assert all(shown(instance, asset, day) for asset in GRADE_ASSETS)


def test_a_run_reports_its_own_work(instance, own_runtime, day):
    job = build(own_runtime).resolve_job_def("grade_stats_sync")
    assert job.execute_in_process(instance=instance, tags={"dagster/partition": str(day)}).success
    assert noted(own_runtime) == []
    assert len(shown(instance, "grade_stats_cache", day)) == 1


def test_within_a_run_only_its_own_assets_are_left_to_it(own_runtime, day):
    with noting.reported_by_run({"call_batches"}), own_runtime.transaction() as connection:
        noting.note(connection, "call_batches", day)
        noting.note(connection, "call_history", day)
    assert noted(own_runtime) == [("call_history", day)]


def test_work_outside_closes_what_a_failed_run_left_undone(own_runtime, sync, tick, day):
    name = f"run:call_records:{day}"

    def run_failed(event):
        with own_runtime.transaction() as connection:
            undone = Condition(name, True, "error", "run of x", "", "dagster", event, "call_records", day)
            return conditions.observe(connection, undone)

    assert run_failed(0) == "failing"
    sync()
    tick()
    with own_runtime.transaction() as connection:
        assert alert_store.open_conditions(connection, "run") == []
    assert run_failed(10_000) == "failing"  # ids of Dagster's log, not milliseconds: the next failure is newer


def test_a_day_before_the_first_partition_is_not_reported(instance, own_runtime, tick):
    long_ago = own_runtime.settings.partition_start - dt.timedelta(days=1)
    with own_runtime.transaction() as connection:
        noting.note(connection, "call_records", long_ago)
    assert "on 0 assets" in tick()
    assert noted(own_runtime) == []


def test_work_noted_while_it_is_reported_is_reported_next(own_runtime, day):
    with own_runtime.transaction() as connection:
        noting.note(connection, "call_records", day, by="first")
        [first] = store.unreported(connection, limit=10)
        noting.note(connection, "call_records", day, by="second")
        store.forget(connection, first)
        [left] = store.unreported(connection, limit=10)
    assert (left.by, left.times) == ("second", 1)
