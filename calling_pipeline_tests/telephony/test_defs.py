"""Telephony in Dagster: assets, checks, sensor, alerts."""

import asyncio
import datetime as dt

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.activity.store import forget, unreported
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.defs.telephony import assets as room
from calling_pipeline.defs.telephony.sensors import stale_extensions
from calling_pipeline.errors import CallingError
from calling_pipeline.telephony.billing.reconcile import compare_day, reconcile_day
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring import alerting
from calling_pipeline.telephony.monitoring.snapshots import take_snapshot
from calling_pipeline_tests.support import http, wait_until

DAILY = daily_partitions(dt.date(2026, 1, 1))


@pytest.fixture
def definitions(runtime):
    shared = dg.Definitions(resources={"runtime": runtime}, executor=dg.in_process_executor)
    return dg.Definitions.merge(shared, room.definitions(DAILY))


def run(definitions, job, partition=None):
    return definitions.resolve_job_def(job).execute_in_process(partition_key=partition, raise_on_error=False)


def checks(result):
    return {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}


def test_the_pool_asset_counts_lines_and_its_checks_pass_on_a_sound_pool(definitions, office):
    office.call(1)
    result = run(definitions, "extension_pool_check")
    assert result.success
    (event,) = result.asset_materializations_for_node("extension_pool")
    assert event.metadata["total"].value == 10
    assert event.metadata["in_use"].value == 1
    assert checks(result) == {
        "extension_has_one_holder": True,
        "collector_holds_one_extension": True,
        "in_use_means_an_open_call": True,
        "no_call_is_stuck": True,
    }


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (
            "DROP INDEX uq_communication_records_open_extension; DROP INDEX uq_communication_records_open_collector;"
            " INSERT INTO communication_records (reference, tenant_id, config_id, collector_id, extension_id,"
            " extension_number, fence, destination_masked, destination_hash, state, started_at, deadline)"
            " SELECT 'copy', tenant_id, config_id, collector_id, extension_id, extension_number, fence,"
            " destination_masked, destination_hash, state, started_at, deadline FROM communication_records",
            "extension_has_one_holder",
        ),
        (
            "UPDATE extension_pool SET state = 'in_use', holder = 1, lease_until = now()"
            " WHERE id = (SELECT max(id) FROM extension_pool)",
            "collector_holds_one_extension",
        ),
        (
            "UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL",
            "in_use_means_an_open_call",
        ),
        ("UPDATE communication_records SET deadline = now() - interval '1 hour'", "no_call_is_stuck"),
    ],
)
def test_each_pool_check_fails_on_the_bad_datum_it_exists_for(definitions, office, spoil, check):
    office.call(1)
    with office.driver() as connection:
        connection.execute(spoil)
    assert checks(run(definitions, "extension_pool_check"))[check] is False


def test_a_day_is_reconciled_with_the_bill_and_lost_calls_are_learned_from_it(definitions, office, infinity):
    infinity.behave(talk_s=[2.0, 2.0], answer_rate=0.0)
    outcomes = [office.call(number, f"1380000000{number}") for number in range(1, 4)]
    infinity.plant("reset", path="/infinity/api", after=True)
    doubtful = office.call(4, "13800000004")
    assert doubtful.kind == "unknown"
    wait_until(lambda: all(call["ended"] for call in infinity.get("/infinity/_sim/calls")))
    result = run(definitions, "communication_records_reconcile", days.today().isoformat())
    assert result.success
    (event,) = result.asset_materializations_for_node("communication_records")
    assert {name: event.metadata[name].value for name in ("billed", "matched", "settled")} == {
        "billed": 4,
        "matched": 4,
        "settled": 4,
    }
    assert checks(result) == {"reconciled_equals_billed": True}
    assert {office.state(call.call_id) for call in [*outcomes, doubtful]} <= {
        "not_connected",
        "busy",
        "cancelled",
        "failed",
    }
    assert office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'") == [(0,)]


def test_recordings_of_billed_calls_are_fetched(definitions, office, infinity):
    infinity.behave(answer_rate=1.0)
    call = office.call(1)
    wait_until(lambda: infinity.get("/infinity/_sim/calls")[0]["ended"])
    run(definitions, "communication_records_reconcile", days.today().isoformat())
    ((url, billed),) = office.rows("SELECT recording_url, billed_at IS NOT NULL FROM communication_records")
    assert url.startswith(f"{infinity.url}/infinity/recordings/{call.call_uuid}.wav?")
    assert billed


def test_a_billed_call_we_do_not_know_is_reported(definitions, office, infinity):
    office.call(1)
    wait_until(lambda: infinity.get("/infinity/_sim/calls")[0]["ended"])
    with office.driver() as connection:
        connection.execute("DELETE FROM communication_records")
    assert checks(run(definitions, "communication_records_reconcile", days.today().isoformat())) == {
        "reconciled_equals_billed": False
    }


def test_a_call_of_ours_that_is_not_billed_is_reported(definitions, office, infinity):
    office.call(1)
    infinity.forget_calls()
    with office.driver() as connection:
        connection.execute(
            "UPDATE communication_records SET started_at = started_at - interval '1 hour', state = 'unknown',"
            " closed_at = now()"
        )
        day = connection.execute("SELECT started_at FROM communication_records").fetchone()[0]
    assert checks(run(definitions, "communication_records_reconcile", days.day_of(day).isoformat())) == {
        "reconciled_equals_billed": False
    }


@pytest.mark.parametrize(("minutes", "missing"), [(28, 0), (32, 1)])
def test_a_call_is_missed_on_the_bill_half_an_hour_after_it_began_and_not_before(office, infinity, minutes, missing):
    office.call(1)
    begun = days.now() - dt.timedelta(minutes=minutes)
    with office.driver() as connection:
        connection.execute(
            "UPDATE communication_records SET started_at = %s, state = 'unknown', closed_at = now()", (begun,)
        )
    with office.runtime.transaction() as connection:
        (compared,) = compare_day(connection, days.day_of(begun))
    assert (compared.recorded, compared.recorded_not_billed) == (1, missing)


def test_an_incomplete_bill_fails_the_day_and_changes_nothing(definitions, office, infinity):
    office.call(1)
    wait_until(lambda: infinity.get("/infinity/_sim/calls")[0]["ended"])
    infinity.plant("ret", path="GetBill", times=None, ret=601)
    result = run(definitions, "communication_records_reconcile", days.today().isoformat())
    assert not result.success
    assert office.rows("SELECT count(*) FROM infinity_bills") == [(0,)]


def test_a_day_reconciled_outside_a_run_is_noted_and_one_that_could_not_be_only_judged(office, infinity, runtime):
    async def reconciled():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            await reconcile_day(deps, days.today())

    def noted():
        with runtime.transaction() as connection:
            found = [one for one in unreported(connection, limit=10) if one.asset == "communication_records"]
            for one in found:
                forget(connection, one)
        return [(one.day, one.changed, one.numbers.get("billed")) for one in found]

    asyncio.run(reconciled())
    assert noted() == [(days.today(), True, 0)]
    infinity.plant("ret", path="GetBill", times=None, ret=601)
    with pytest.raises(CallingError):
        asyncio.run(reconciled())
    assert noted() == [(days.today(), False, None)]


def test_the_sensor_frees_what_is_idle_and_leaves_what_talks(office, infinity, runtime):
    talking, idle = office.call(1, "13800000001"), office.call(2, "13800000002")
    wait_until(lambda: all(call["ended"] for call in infinity.get("/infinity/_sim/calls")))
    http.post(f"{infinity.url}/infinity/_sim/lines", json={talking.extension: 1204, idle.extension: 1201})
    with office.driver() as connection:
        connection.execute("UPDATE communication_records SET deadline = now() - interval '1 second'")
    with dg.build_sensor_context(resources={"runtime": runtime}) as context:
        answer = stale_extensions(context)
    assert "2 asked about, 1 released, 1 in a call" in answer.skip_message
    assert (office.state(talking.call_id), office.state(idle.call_id)) == ("ringing", "unknown")
    assert office.rows("SELECT number FROM extension_pool WHERE state = 'in_use'") == [(talking.extension,)]
    assert office.rows("SELECT count(*) FROM extension_utilisation") == [(1,)]


def test_a_line_that_cannot_be_asked_about_stays_held(office, infinity, runtime):
    office.call(1)
    infinity.plant("ret", path="GetSipCallStatus", times=None, ret=604)
    with office.driver() as connection:
        connection.execute("UPDATE communication_records SET deadline = now() - interval '1 second'")

    async def act():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            return await sweep(deps)

    swept = asyncio.run(act())
    assert (swept.asked, swept.released, swept.not_answered) == (1, 0, 1)
    assert office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'") == [(1,)]


def test_a_busy_pool_raises_one_alert_after_five_minutes_and_one_when_it_is_well_again(office, runtime):
    begun = days.now()
    office.change(max_concurrent_calls=1)
    office.call(1)
    for minute in range(8):
        with days.frozen(begun + dt.timedelta(minutes=minute)), runtime.transaction() as connection:
            take_snapshot(connection)
            changed = alerting.judge(connection)
        assert bool(changed) == (minute == 5), (minute, changed)
    with office.driver() as connection:
        connection.execute(
            "UPDATE communication_records SET closed_at = now(), state = 'unknown';"
            " UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL"
        )
    with days.frozen(begun + dt.timedelta(minutes=9)), runtime.transaction() as connection:
        take_snapshot(connection)
        assert len(alerting.judge(connection)) == 1
    assert [severity for (severity,) in office.rows("SELECT severity FROM alerts ORDER BY id")] == ["warning", "info"]


def test_failures_and_late_callbacks_raise_alerts(office, runtime, infinity):
    infinity.behave(unknown_extensions=[str(1000 + n) for n in range(10)])
    office.change(quarantine_after=0)
    for number in range(10):
        office.call(1, f"1380000000{number}")
    infinity.behave(unknown_extensions=[])
    call = office.call(1, "13800000011")
    with office.driver() as connection:
        connection.execute(
            "UPDATE communication_records SET callback_delay_s = 11, state = 'connected', settled_at = now(),"
            " settled_by = 'callback', closed_at = now() WHERE id = %s",
            [call.call_id],
        )
    with runtime.transaction() as connection:
        changed = alerting.judge(connection)
    assert sorted(name.split(":")[0] for name in changed) == ["telephony_callbacks", "telephony_failures"]
