"""Notifications through Dagster: assets, checks, the delivery job, the sensor."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.defs.notifications import assets as room
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline_tests.dagster_support import NO_COMPUTE_LOGS
from calling_pipeline_tests.notifications.world import (
    Judge,
    notification_runtime,
    row,
    states,
    statuses,
    write_ledger,
)
from calling_pipeline_tests.support import http
from calling_pipeline_tests.vendors.test_metabase import ROWS


@pytest.fixture
def ledger(tmp_path):
    return write_ledger(tmp_path / "contracts.csv", [row(1), row(2, award="1"), row(3, notified="Y")])


@pytest.fixture
def runtime(app_settings, simulator, judge: Judge, ledger):
    made = notification_runtime(app_settings, simulator, contract_ledgers=[ledger])
    yield made
    made.close()


@pytest.fixture
def definitions():
    return room.definitions(daily_partitions(dt.date(2026, 3, 1)))


def materialize(definitions, runtime, name, **options):
    assets = [*definitions.assets, *definitions.asset_checks]
    selection = dg.AssetSelection.assets(name) | dg.AssetSelection.checks_for_assets(name)
    result = dg.materialize(
        assets,
        selection=selection,
        resources={"runtime": runtime},
        raise_on_error=options.pop("raise_on_error", True),
        **options,
    )
    return result, {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def deliver(definitions, runtime):
    merged = dg.Definitions.merge(definitions, dg.Definitions(resources={"runtime": runtime}))
    return merged.resolve_job_def("notifications_deliver").execute_in_process()


def today():
    return days.today().isoformat()


def test_a_day_is_made_into_messages_delivered_and_written_back(definitions, runtime, judge, ledger):
    result, checks = materialize(definitions, runtime, "contract_notifications", partition_key=today())
    metadata = result.asset_materializations_for_node("contract_notifications")[0].metadata
    assert metadata["messages"].value == 3
    assert all(checks.values())
    assert judge.messages() == []
    deliver(definitions, runtime)
    assert len(judge.messages()) == 3
    assert set(statuses(ledger).values()) == {"Y"}


def test_materializing_a_day_again_sends_nothing_again(definitions, runtime, judge):
    for _ in range(2):
        materialize(definitions, runtime, "contract_notifications", partition_key=today())
        deliver(definitions, runtime)
    assert len(judge.messages()) == 3


def test_an_earlier_day_has_nothing_of_today(definitions, runtime, engine):
    materialize(definitions, runtime, "contract_notifications", partition_key=today())
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM contract_messages"))
    materialize(definitions, runtime, "contract_notifications", partition_key="2026-03-02")
    assert states(engine) == {}


def test_an_unusable_ledger_fails_the_run_and_says_which(definitions, runtime, ledger):
    ledger.write_text("nothing,of,use\n")
    result, _ = materialize(definitions, runtime, "contract_notifications", partition_key=today(), raise_on_error=False)
    assert not result.success
    assert "lacks the columns" in str(result.failure_data_for_node("contract_notifications").user_failure_data.description)


def spoil(engine, *statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("check", "spoiling"),
    [
        ("lines_of_a_contract_agree", lambda engine, path: write_ledger(path, [row(1), row(1, 备注="无")])),
        (
            "one_open_task_per_contract_and_kind",
            lambda engine, path: spoil(
                engine,
                "ALTER TABLE contract_messages DROP CONSTRAINT uq_contract_messages_contract_id_kind",
                "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures,"
                " due_at, history, created_at) SELECT kind, receiver, body, cut_bytes, metadata, state, attempts, failures,"
                " due_at, history, created_at FROM contract_messages WHERE contract_id = 'id-1'",
            ),
        ),
        (
            "y_exactly_where_all_delivered",
            lambda engine, path: write_ledger(path, [row(1, notified="Y"), row(1, notified="N")]),
        ),
        (
            "y_exactly_where_all_delivered",
            lambda engine, path: spoil(engine, "UPDATE contract_messages SET state = 'dead' WHERE contract_id = 'id-1'"),
        ),
        ("y_exactly_where_all_delivered", lambda engine, path: spoil(engine, "DELETE FROM contract_messages")),
        (
            "nothing_is_pending_too_long",
            lambda engine, path: spoil(
                engine, "UPDATE contract_messages SET state = 'pending', created_at = created_at - interval '2 hours'"
            ),
        ),
    ],
)
def test_each_check_fails_on_what_it_exists_for(definitions, runtime, engine, ledger, check, spoiling):
    materialize(definitions, runtime, "contract_notifications", partition_key=today())
    deliver(definitions, runtime)
    checks = dg.AssetSelection.checks_for_assets("contract_notifications")

    def verdicts():
        assets = [*definitions.assets, *definitions.asset_checks]
        result = dg.materialize(assets, selection=checks, resources={"runtime": runtime})
        return {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}

    assert all(verdicts().values())
    spoiling(engine, ledger)
    assert not verdicts()[check]


def test_the_sensor_starts_a_delivery_only_when_something_is_due(definitions, runtime, judge):
    (sensor,) = definitions.sensors
    with dg.instance_for_test(overrides={"compute_logs": NO_COMPUTE_LOGS}) as instance:

        def tick():
            with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
                return sensor(context)

        assert isinstance(tick(), dg.SkipReason)
        materialize(definitions, runtime, "contract_notifications", partition_key=today())
        assert isinstance(tick(), dg.RunRequest)
        deliver(definitions, runtime)
        assert isinstance(tick(), dg.SkipReason)


def test_technicians_changes_become_two_messages_each(definitions, runtime, judge, engine, simulator):
    http.post(f"{simulator.url}/metabase/_sim/rows", json=ROWS).raise_for_status()
    runtime.settings.wecom_robots["default"] = "key-default"
    runtime.settings.wecom_users["甲公司"] = "boss-a"
    try:
        for _ in range(2):
            _, checks = materialize(definitions, runtime, "technician_notifications")
            deliver(definitions, runtime)
    finally:
        http.delete(f"{simulator.url}/metabase/_sim/rows")
        del runtime.settings.wecom_robots["default"], runtime.settings.wecom_users["甲公司"]
    assert all(checks.values())
    text = "🟢 李明（甲公司）\n2026-11-20 09:15 上线"
    assert sorted(judge.messages()) == [("robot:key-default", text), ("user:boss-a", text)]
    assert states(engine) == {}


def test_schedules_ask_for_today_and_skip_without_ledgers(definitions, runtime, app_settings, simulator, tmp_path):
    contracts = next(s for s in definitions.schedules if s.name == "contract_notifications_today")
    at = dt.datetime(2026, 3, 4, 16, 30, tzinfo=dt.UTC)
    empty = notification_runtime(app_settings, simulator)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def tick(chosen):
            with dg.build_schedule_context(
                instance=instance, scheduled_execution_time=at, resources={"runtime": chosen}
            ) as context:
                return contracts(context)

        assert tick(runtime).partition_key == "2026-03-05"
        assert "no contract ledger" in tick(empty).skip_message
        instance.run_storage.add_run(dg.DagsterRun("contract_notifications_generate", status=dg.DagsterRunStatus.STARTED))
        assert "the last reading of the ledgers is not done: run" in tick(runtime).skip_message
    empty.close()
