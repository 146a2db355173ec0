"""Shadow mode: the system syncs and plans, and nothing leaves it, whichever door is tried and whenever."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.dependencies import dial_gateway, plan_rules
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.errors import ConfigurationError, Conflict, VendorUnavailable
from calling_pipeline.notifications.contracts import runs as contracts
from calling_pipeline.notifications.dependencies import NotificationDependencies, wecom_client
from calling_pipeline.notifications.dispatch import dispatch, work_waiting
from calling_pipeline.notifications.technicians import generation as technicians
from calling_pipeline.reports.mail import rounds
from calling_pipeline.reports.mail.sending import Sender
from calling_pipeline.shadow import SENTENCE, ShadowMode
from calling_pipeline.telephony.dependencies import infinity_client
from calling_pipeline.telephony.records import Account
from calling_pipeline.vendors.dial_gateway import Push
from calling_pipeline.vendors.http import VendorHttp
from calling_pipeline.vendors.infinity.records import CallRequest
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.notifications.world import Judge, notification_runtime, row, states, write_ledger
from calling_pipeline_tests.reports.mail_support import a_report, deps_of, lying
from calling_pipeline_tests.support import http
from calling_pipeline_tests.telephony.support import set_up


@pytest.fixture
def shadowed(desk):
    """The same desk with shadow mode on."""
    return dataclasses.replace(desk, settings=desk.settings.model_copy(update={"shadow": True}))


def planned(desk):
    return runs.plan_task(desk.engine, "new orders", rules=plan_rules(desk.settings))


def test_a_batch_of_shadow_mode_is_planned_and_over_and_nobody_is_called_not_even_after_it(desk, shadowed):
    desk.work_orders([phone(1), phone(1), "nothing"])
    desk.task()
    batch = planned(shadowed)
    assert (batch.shadow, batch.state, batch.card.to_call) == (True, "completed", 1)
    assert desk.outcome(batch).reasons == {"shadow": 1, "duplicate": 1, "not_a_number": 1}
    assert desk.reconciliation(batch)["difference"] == 0
    for one in (shadowed, desk):  # during shadow mode and after it
        assert one.push(batch).state == "completed"
        with pytest.raises(Conflict), one.engine.begin() as connection:
            lifecycle.resume(connection, batch.id)
        runs.run_day(one.dependencies(), days.today())
    assert desk.gateway_calls() == []
    with pytest.raises(sa.exc.IntegrityError, match="shadow_is_never_pushed"), desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE call_batches SET state = 'waiting'")


def test_its_numbers_are_free_for_the_first_batch_after_it(desk, shadowed):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    planned(shadowed)
    assert planned(shadowed).card.to_call == 2, "the next shadow day plans them again"
    assert desk.run().card.to_call == 2
    assert sorted(call["phone"] for call in desk.gateway_calls()) == [phone(1), phone(2)]


def test_a_batch_planned_before_shadow_mode_stops_with_one_sentence_and_nobody_is_called(desk, shadowed):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.plan()
    with pytest.raises(Conflict, match="shadow mode is on"):
        shadowed.push(batch)
    with pytest.raises(ConfigurationError, match="shadow mode is on"):
        runs.start_task(desk.engine, "new orders", to_call=1, refusal=shadowed.dependencies().refusal, by="ann")
    assert desk.gateway_calls() == []
    assert desk.one("SELECT state FROM call_batches") == "paused"


def test_no_call_is_made_by_telephony(app_settings, engine, simulator):
    simulator.forget_calls()
    settings = app_settings.model_copy(update={"shadow": True, "allow_private_urls": True})
    runtime = notification_runtime(settings, simulator)
    office = set_up(runtime, simulator.url + "/infinity/api")
    outcome = office.call()
    assert (outcome.kind, outcome.rule, outcome.sentence) == ("refused", "shadow", SENTENCE)
    assert simulator.get("/infinity/_sim/calls") == []
    assert office.rows("SELECT count(*) FROM communication_records") == [(0,)]
    runtime.close()


def test_no_message_is_made_or_sent_and_no_ledger_written(app_settings, engine, simulator, tmp_path):
    judge = Judge(simulator)
    open_runtime = notification_runtime(app_settings, simulator)
    before = write_ledger(tmp_path / "before.csv", [row(1)])
    deps = NotificationDependencies.from_runtime(open_runtime)
    contracts.generate_only(deps, [before], created_by="test", day=days.today())
    assert states(engine) == {"pending": 1}
    runtime = notification_runtime(app_settings, simulator, shadow=True)
    deps, ledger = NotificationDependencies.from_runtime(runtime), write_ledger(tmp_path / "new.csv", [row(2)])
    bytes_before = ledger.read_bytes()
    contracts.generate_only(deps, [ledger], created_by="test", day=days.today())
    with pytest.raises(ShadowMode, match="syncs and plans only"):
        dispatch(deps, [ledger], by="test", wait_s=0)
    with engine.connect() as connection:
        assert work_waiting(connection) is not None
        assert work_waiting(connection, shadow=True) is None
    assert judge.messages() == []
    assert states(engine) == {"pending": 1}
    assert ledger.read_bytes() == bytes_before
    runtime.close()
    open_runtime.close()


def test_technicians_changes_of_shadow_mode_are_known_and_never_sent(app_settings, engine, simulator):
    runtime = notification_runtime(app_settings, simulator, shadow=True, wecom_robots={"default": "key"})
    deps, at = NotificationDependencies.from_runtime(runtime), days.now().isoformat()
    with engine.begin() as connection:
        technicians.generate(connection, [["c-1", at, "管家", "某某工程", None, ["上线"]]], deps, created_by="test")
    assert states(engine, "technician_messages") == {"abandoned": 1}
    runtime.close()


def test_no_report_is_mailed(engine, tmp_path):
    a_report(engine, ["ann@example.com"])
    with lying(tmp_path) as liar:
        deps = dataclasses.replace(deps_of(engine, liar.server), shadow=True)
        with pytest.raises(ShadowMode):
            rounds.deliver_round(deps)
        with engine.connect() as connection:
            assert rounds.work_waiting(connection, configured=True, shadow=True) is None
        sent = Sender(deps).send(None)  # type: ignore[arg-type]  # nothing of it is read
        assert (sent.outcome, sent.server) == ("retry", True)
        assert liar.receivers == []


def test_at_the_wire_what_reads_may_leave_and_what_acts_may_not(simulator):
    http.delete(simulator.url + "/gateway/_sim/calls").raise_for_status()

    async def ask(safe: bool) -> int:
        async with VendorHttp("gateway", simulator.url, shadow=True) as client:
            return (await client.request("GET", "/gateway/_sim/calls", safe=safe)).status_code

    assert asyncio.run(ask(True)) == 200
    with pytest.raises(VendorUnavailable, match="shadow mode is on"):
        asyncio.run(ask(False))


def test_every_client_that_acts_is_made_with_the_mode(app_settings, engine, simulator):
    judge = Judge(simulator)
    simulator.forget_calls()
    http.delete(simulator.url + "/gateway/_sim/calls").raise_for_status()
    gateway = simulator.url + "/gateway"
    runtime = notification_runtime(app_settings, simulator, shadow=True, allow_private_urls=True, gateway_url=gateway)

    async def act() -> list[tuple[str, str]]:
        async with dial_gateway(runtime.settings) as client:
            pushed = await client.push(Push("20261130000000001", phone(1)))
        async with infinity_client(runtime, Account(1, 1, simulator.url + "/infinity/api", "app", "key")) as infinity:
            called = await infinity.make_call(CallRequest("1000", phone(1), "reference"))
        async with wecom_client(runtime) as wecom:
            sent = await wecom.send_to_robot("key-bj", "text")
        return [(pushed.outcome, pushed.message), (called.outcome, called.sentence), (sent.outcome, sent.reason)]

    for outcome, sentence in asyncio.run(act()):
        assert outcome == "retry"
        assert sentence.startswith("shadow mode is on")
    assert (simulator.get("/gateway/_sim/calls"), simulator.get("/infinity/_sim/calls"), judge.messages()) == ([], [], [])
    runtime.close()
