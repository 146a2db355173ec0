"""The desk in a browser: from the click to "ended", a round through three cases with a pause, and the player."""

import pytest
from playwright.sync_api import expect

from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.support import LIMIT_S, http
from calling_pipeline_tests.telephony.support import CALLBACK_SECRET, callback_body, set_up, signed

PATIENCE = {"timeout": LIMIT_S * 1000}


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose callbacks come here."""
    simulator.forget_calls()
    simulator.behave(
        ring_s=[0.5, 0.5],
        talk_s=[1, 1],
        answer_rate=0.0,
        callback_url=f"{console.url}/api/v1/infinity/callback/call-record",
        callback_secret=CALLBACK_SECRET,
    )
    made = set_up(console.runtime, f"{simulator.url}/infinity/api", lines=3, agents_=2)
    with made.runtime.transaction() as connection:
        for number in range(1, 4):
            new = NewCase(1, f"1380000000{number}", f"Customer {number}")
            cases.add(connection, made.runtime.secrets, made.runtime.phone_keys, 1, new, who="test")
    yield made
    simulator.forget_calls()


@pytest.fixture
def desk(office, log_in):
    page = log_in("li", "collector", tenant_id=1, collector_id=1)
    page.goto("/desk")
    return page


def test_a_call_goes_from_the_click_to_its_callback_to_ended(desk, simulator):
    simulator.behave(answer_rate=1.0)
    desk.get_by_test_id("call").click()
    expect(desk.get_by_test_id("result-card")).to_be_visible(**PATIENCE)
    expect(desk.get_by_test_id("line")).to_have_text("Ended", **PATIENCE)
    expect(desk.get_by_test_id("line-result")).to_have_text("connected")
    desk.locator("#result").select_option("promised")
    desk.get_by_test_id("result-form").get_by_test_id("submit").click()
    expect(desk.get_by_test_id("result-saved")).to_be_visible(**PATIENCE)
    assert len(simulator.get("/infinity/_sim/calls")) == 1
    assert axe(desk) == []
    assert overflow(desk) == []


def test_a_round_calls_three_cases_one_after_another_and_stands_still_while_it_is_paused(desk, console, simulator):
    """The first call rings until the round is paused, so that it does not go on in the moment in which it is paused."""
    simulator.behave(ring_s=[600, 600])
    desk.locator("#pause_s").fill("1")
    desk.get_by_test_id("round-form").get_by_test_id("submit").click()
    expect(desk.get_by_test_id("history")).to_be_attached(**PATIENCE)
    desk.get_by_test_id("pause").click()
    expect(desk.get_by_test_id("resume")).to_be_visible(**PATIENCE)
    simulator.behave(ring_s=[0.5, 0.5])
    [first] = simulator.get("/infinity/_sim/calls")
    body = callback_body(first["call_uuid"], connected=False, result="无人接听")
    http.post(f"{console.url}/api/v1/infinity/callback/call-record", content=body, headers=signed(body)).raise_for_status()
    expect(desk.get_by_test_id("line")).to_have_text("Ended", **PATIENCE)
    assert len(simulator.get("/infinity/_sim/calls")) == 1
    desk.get_by_test_id("resume").click()
    expect(desk.get_by_test_id("round-finished")).to_be_visible(**PATIENCE)
    called = [call["destnumber"] for call in simulator.get("/infinity/_sim/calls")]
    assert called == ["13800000001", "13800000002", "13800000003"]


def test_a_refused_call_says_the_rule_and_the_time(desk, office):
    office.change(contact_rules={"preset": "list_only", "minimum_gap_s": 3600})
    desk.locator("#phone").fill("13800000009")
    desk.get_by_test_id("dial-form").get_by_test_id("submit").click()
    expect(desk.get_by_test_id("line")).to_have_text("Ended", **PATIENCE)
    desk.locator("#phone").fill("13800000009")
    desk.get_by_test_id("dial-form").get_by_test_id("submit").click()
    expect(desk.get_by_test_id("refusal-rule")).to_contain_text("contact_policy", **PATIENCE)
    expect(desk.get_by_test_id("refusal-until").locator("time")).to_be_visible()


def test_the_button_is_pressed_by_keyboard_alone(desk, simulator):
    desk.get_by_test_id("call").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_test_id("result-card")).to_be_visible(**PATIENCE)
    assert len(simulator.get("/infinity/_sim/calls")) == 1
