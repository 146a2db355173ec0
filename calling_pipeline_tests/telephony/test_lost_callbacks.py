"""A lost callback frees its line as soon as Infinity says that it is idle, and never a line that is in a call."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.calls import lines
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.making import make_call
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import CallWish
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.vendors.infinity.records import CallAnswer
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, run_together
from calling_pipeline_tests.telephony.support import broken_rules, callback_body, set_up, signed
from calling_pipeline_tests.telephony.switchboard import Switchboard

CALLBACK = "/api/v1/infinity/callback/call-record"
COLLECTORS, LINES, SECONDS = (60, 30, 300.0) if NIGHTLY else (20, 10, 90.0)


class Vendor:
    """Infinity as the room sees it: every line does what `status` says."""

    def __init__(self, status: str = "idle") -> None:
        self.status = status
        self.asked: list[str] = []
        self.made = 0

    async def line_status(self, extension: str) -> str:
        self.asked.append(extension)
        return self.status

    async def make_call(self, request: Any) -> CallAnswer:
        self.made += 1
        return CallAnswer("done", call_uuid=request.reference)


@pytest.fixture
def at(office):
    """Moves the clock to that many seconds after the beginning; it stands still in between."""
    start = days.now()

    def move(seconds):
        days.set_clock(lambda: start + dt.timedelta(seconds=seconds))

    move(0)
    return move


def deps_of(office, vendor):
    client: Any = vendor
    runtime = office.runtime
    return TelephonyDependencies(runtime.transaction, runtime.secrets, runtime.phone_key, lambda _: client)


def click(office, vendor, collector=1, phone="13800000001"):
    return asyncio.run(make_call(deps_of(office, vendor), CallWish(1, collector, phone)))


def account_of(office):
    with office.runtime.transaction() as connection:
        return accounts.account_of(connection, office.runtime.secrets, office.config_id)


def released(office, vendor, **more):
    return asyncio.run(lines.release_idle(deps_of(office, vendor), account_of(office), **more))


def held(office):
    return office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'")[0][0]


def test_with_every_fifth_callback_lost_nine_in_ten_calls_are_made(runtime):
    """The pool ran dry after a while and stayed so for minutes, because each lost callback held its line to the deadline."""
    made = {}
    for tenant, loss in ((1, 0.0), (2, 0.2)):
        set_up(runtime, "http://127.0.0.1:9/api", tenant_id=tenant, lines=LINES, agents_=COLLECTORS)
        board = Switchboard(runtime, tenant_id=tenant, collectors=COLLECTORS, loss=loss)
        made[loss] = asyncio.run(board.run(SECONDS))
        assert board.overlaps == 0
        assert (board.lost > 0) == (loss > 0)
        days.set_clock(None)
    assert broken_rules(runtime) == []
    assert made[0.2] >= 0.9 * made[0.0], made


def test_a_collector_who_clicks_again_is_free_as_soon_as_the_line_is_idle(office, at):
    vendor = Vendor()
    first = click(office, vendor)
    at(10)
    second = click(office, vendor, phone="13800000002")
    assert (second.kind, vendor.made) == ("ringing", 2)
    assert office.rows("SELECT state, settled_at FROM communication_records WHERE id = %(id)s", id=first.call_id) == [
        ("unknown", None)
    ]
    assert broken_rules(office.runtime) == []


def test_a_click_for_the_same_number_is_not_made_again_by_itself(office, at):
    """It may be the first click repeated by a machine: it frees the line, and says that another click calls once more."""
    vendor = Vendor()
    first = click(office, vendor)
    at(10)
    again = click(office, vendor)
    assert (again.kind, again.call_id, vendor.made) == ("unknown", first.call_id, 1)
    assert held(office) == 0
    assert (click(office, vendor).kind, vendor.made) == ("ringing", 2)


def test_a_call_that_is_just_beginning_is_not_asked_about(office, at):
    """Between accepting a call and ringing the extension Infinity reports it idle."""
    vendor = Vendor()
    click(office, vendor)
    at(4)
    assert click(office, vendor, phone="13800000002").rule == "in_call"
    assert (vendor.asked, held(office)) == ([], 1)


@pytest.mark.parametrize("state", ["initiating", "unknown"])
def test_a_call_that_infinity_has_not_answered_is_asked_about_only_when_it_cannot_be_accepted_any_more(office, at, state):
    vendor = Vendor()
    click(office, vendor)
    office.rows("UPDATE communication_records SET state = %(s)s, called_at = NULL RETURNING 1", s=state)
    at(44)
    assert released(office, vendor) == frozenset()
    at(46)
    assert len(released(office, vendor)) == 1


def test_a_line_in_a_call_stays_held(office, at):
    vendor = Vendor("talking")
    click(office, vendor)
    at(10)
    assert click(office, vendor, phone="13800000002").rule == "in_call"
    assert (len(vendor.asked), held(office)) == (1, 1)


def test_an_extension_allocated_anew_while_infinity_was_asked_stays_held(office, api, at):
    """The callback came after all, and the extension serves the next call: the answer is about the one before."""
    vendor = Vendor()
    first = click(office, vendor)
    others = list(office.extensions[1:])

    class Slow(Vendor):
        async def line_status(self, extension):
            body = callback_body(first.call_uuid)
            await asyncio.to_thread(lambda: api.post(CALLBACK, content=body, headers=signed(body)))
            office.rows("UPDATE extension_pool SET state = 'offline' WHERE id = ANY(%(o)s) RETURNING 1", o=others)
            await asyncio.to_thread(office.call, 2, "13800000002")
            return "idle"

    at(10)
    released(office, Slow())
    assert office.rows("SELECT holder FROM extension_pool WHERE state = 'in_use'") == [(2,)]
    assert office.state(first.call_id) == "connected"
    assert broken_rules(office.runtime) == []


def test_the_callback_that_comes_after_all_settles_the_call(office, api, at):
    vendor = Vendor()
    first = click(office, vendor)
    at(10)
    assert released(office, vendor) == {first.call_id}
    body = callback_body(first.call_uuid)
    assert api.post(CALLBACK, content=body, headers=signed(body)).json()["data"]["outcome"] == "applied"
    assert office.state(first.call_id) == "connected"


def test_one_process_asks_at_a_time_and_about_each_call_now_and_then(office, at):
    vendor = Vendor("talking")
    for number in range(1, 6):
        click(office, vendor, number, f"1380000000{number}")
    at(10)
    run_together(*([lambda: released(office, vendor)] * 8))
    assert sorted(vendor.asked) == sorted(set(vendor.asked))
    assert len(vendor.asked) == 5
    at(11)
    released(office, vendor)
    assert len(vendor.asked) == 5
    at(14)
    released(office, vendor)
    assert len(vendor.asked) == 10


def test_a_process_that_ended_while_it_asked_hinders_the_others_half_a_minute(office, at):
    vendor = Vendor()
    click(office, vendor)
    at(10)
    with office.runtime.transaction() as connection:
        now = days.now()
        assert call_store.take_question_turn(connection, office.config_id, now, now + dt.timedelta(seconds=30))
    at(39)
    assert released(office, vendor) == frozenset()
    at(41)
    assert len(released(office, vendor)) == 1


def test_a_clock_set_back_does_not_keep_anybody_from_asking(office, at):
    vendor = Vendor("talking")
    click(office, vendor)
    at(7200)
    released(office, vendor)
    at(60)
    released(office, vendor)
    assert len(vendor.asked) == 2


def test_infinity_that_does_not_answer_costs_a_click_seconds_at_most(office, at, monkeypatch):
    monkeypatch.setattr(lines, "_QUESTION_LIMIT_S", 0.05)

    class Silent(Vendor):
        async def line_status(self, extension):
            await asyncio.sleep(LIMIT_S)

    vendor = Silent()
    click(office, vendor)
    at(10)
    assert click(office, vendor, phone="13800000002").rule == "in_call"
    assert held(office) == 1


def test_the_sweep_looks_after_the_usual_length_of_a_call(office, api, at):
    """Twelve calls of twenty seconds; the thirteenth's callback is lost. It is looked into long before its deadline."""
    vendor = Vendor()
    for number in range(12):
        at(100 * number)
        call = click(office, vendor, 1, f"138000001{number:02d}")
        at(100 * number + 20)
        body = callback_body(call.call_uuid)
        assert api.post(CALLBACK, content=body, headers=signed(body)).status_code == 200
    at(2000)
    click(office, vendor)
    at(2019)
    assert asyncio.run(sweep(deps_of(office, vendor))).asked == 0
    at(2021)
    assert asyncio.run(sweep(deps_of(office, vendor))).released == 1
    assert held(office) == 0
