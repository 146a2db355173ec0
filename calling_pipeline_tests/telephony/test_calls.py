"""One call from the click to its end, whatever Infinity does on the way."""

import asyncio
import datetime as dt

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import Swept
from calling_pipeline_tests.support import LIMIT_S, http, wait_until
from calling_pipeline_tests.telephony.support import broken_rules, callback_body, set_up, signed

CALLBACK = "/api/v1/infinity/callback/call-record"


def pool_states(office):
    return dict(office.rows("SELECT state, count(*) FROM extension_pool GROUP BY state"))


def test_a_call_rings_and_its_callback_ends_it_and_frees_the_extension(office, infinity, api):
    infinity.behave(callback_url=str(api.base_url) + CALLBACK, callback_secret="callback-secret-of-tests", answer_rate=1.0)
    made = api.post("/api/v1/infinity/make-call", json={"tenant_id": 1, "collector_id": 3, "phone": "138 0000 0001"})
    assert made.status_code == 200, made.text
    call_id = made.json()["data"]["call_id"]
    wait_until(lambda: office.state(call_id) == "connected")
    (truth,) = infinity.get("/infinity/_sim/calls")
    assert truth["destnumber"] == "13800000001"
    assert truth["userid"] == "3"
    assert pool_states(office) == {"available": 10}
    assert broken_rules(office.runtime) == []


def test_numbers_are_masked_everywhere_but_in_the_call_itself(office, infinity, api):
    made = api.post(
        "/api/v1/infinity/make-call", json={"tenant_id": 1, "collector_id": 3, "phone": "13812345678", "case_id": "c-9"}
    )
    shown = made.text + api.get("/api/v1/infinity/calls").text + api.get("/api/v1/infinity/collectors").text
    shown += api.get("/api/v1/infinity/audit").text
    assert "138****5678" in shown
    assert "13812345678" not in shown
    assert "13900000000" not in shown
    tables = office.rows("SELECT r::text FROM communication_records r UNION ALL SELECT k::text FROM collectors k")
    assert "13812345678" not in str(tables)
    assert "13900000000" not in str(tables)
    assert infinity.get("/infinity/_sim/calls")[0]["destnumber"] == "13812345678"


@pytest.mark.parametrize(("code", "failures"), [("1012", 1), ("1013", 1), ("1014", 1), ("1032", 0)])
def test_a_refusal_of_infinity_fails_the_call_and_frees_the_extension(office, infinity, code, failures):
    infinity.plant("refuse", path="MakeCall", code=code)
    outcome = office.call()
    assert (outcome.kind, outcome.state) == ("failed", "failed")
    assert code in outcome.sentence
    assert pool_states(office) == {"available": 10}
    assert office.rows("SELECT sum(failures) FROM extension_pool") == [(failures,)]
    assert office.rows("SELECT failure_code FROM communication_records") == [(code,)]
    assert office.rows("SELECT count(*) FROM contact_attempts") == [(0,)]


def test_an_unreachable_infinity_fails_the_call_and_frees_the_extension(office, free_port_url):
    office.change(api_url=free_port_url, access_key="a-good-access-key")
    outcome = office.call()
    assert outcome.kind == "failed"
    assert pool_states(office) == {"available": 10}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "after": True},
        {"kind": "cut"},
        {"kind": "garbage", "after": True},
        {"kind": "status", "after": True, "status": 502},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_call_that_may_have_been_made_is_unknown_and_keeps_its_extension(office, infinity, fault):
    office.call(9, "13800000009")  # logs in, so that the fault strikes MakeCall
    infinity.plant(**fault, path="/infinity/api")
    outcome = office.call()
    assert (outcome.kind, outcome.state) == ("unknown", "unknown")
    assert pool_states(office) == {"available": 8, "in_use": 2}
    assert broken_rules(office.runtime) == []
    assert len(infinity.get("/infinity/_sim/calls")) == 2


def test_ret_500_to_make_call_is_unknown(office, infinity):
    infinity.plant("ret", path="MakeCall", ret=500)
    assert office.call().kind == "unknown"


@pytest.mark.parametrize("ret", [400, 601, 602, 603, 604])
def test_refusals_by_ret_fail_the_call(office, infinity, ret):
    infinity.plant("ret", path="MakeCall", ret=ret)
    outcome = office.call()
    assert outcome.kind == "failed"
    assert f"ret {ret}" in outcome.sentence


def test_a_forgotten_token_is_replaced_once_and_the_call_made_once(office, infinity):
    office.call(1)
    infinity.plant("token", path="MakeCall")
    assert office.call(2, "13800000002").kind == "ringing"
    assert infinity.get("/infinity/_sim/counts") == {"logins": 2, "calls": 2, "overlapping": 0}


def test_a_token_that_stays_invalid_is_an_error_after_one_new_login(office, infinity):
    infinity.plant("token", path="MakeCall", times=2)
    assert office.call(2).kind == "failed"
    assert infinity.get("/infinity/_sim/counts")["logins"] == 2


def test_a_callback_may_overtake_the_answer_to_make_call(office, infinity, api):
    infinity.behave(
        callback_url=str(api.base_url) + CALLBACK,
        callback_secret="callback-secret-of-tests",
        callback_early=1.0,
        callback_timeout_s=LIMIT_S,  # the answer waits for it, however busy the machine is
    )
    made = api.post("/api/v1/infinity/make-call", json={"tenant_id": 1, "collector_id": 1, "phone": "13800000001"})
    data = made.json()["data"]
    assert data["state"] in ("connected", "not_connected", "busy", "cancelled", "failed")
    assert office.state(data["call_id"]) == data["state"]
    assert "in_use" not in pool_states(office)
    assert office.rows("SELECT count(*) FROM call_callbacks WHERE record_id IS NULL") == [(0,)]


def test_without_a_call_uuid_of_theirs_ours_names_the_call(office, infinity, api):
    infinity.behave(names_call_uuid=False)
    data = api.post("/api/v1/infinity/make-call", json={"tenant_id": 1, "collector_id": 1, "phone": "13800000001"}).json()[
        "data"
    ]
    ((reference,),) = office.rows("SELECT reference FROM communication_records")
    assert data["call_uuid"] == reference
    body = callback_body(reference)
    assert http.post(str(api.base_url) + CALLBACK, content=body, headers=signed(body)).json()["data"] == {
        "outcome": "applied"
    }
    assert office.state(data["call_id"]) == "connected"


def test_a_repeated_click_answers_with_the_open_call_and_another_number_is_refused(office, infinity):
    first = office.call(1, "13800000001")
    again = office.call(1, "13800000001")
    other = office.call(1, "13800000002")
    assert (again.kind, again.call_id) == ("ringing", first.call_id)
    assert (other.kind, other.rule, other.call_id) == ("refused", "in_call", first.call_id)
    assert infinity.get("/infinity/_sim/counts")["calls"] == 1


def test_two_clicks_at_the_same_moment_make_one_call(office, infinity, api):
    async def clicks() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=api.base_url, headers=api.headers, timeout=LIMIT_S) as client:
            wish = {"tenant_id": 1, "collector_id": 1, "phone": "13800000001"}
            return await asyncio.gather(*(client.post("/api/v1/infinity/make-call", json=wish) for _ in range(8)))

    answers = asyncio.run(clicks())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["call_id"] for answer in answers}) == 1
    assert infinity.get("/infinity/_sim/counts")["calls"] == 1


def test_the_contact_policy_refuses_and_says_which_rule(office, infinity):
    office.change(contact_rules={"preset": "list_only", "rolling": [[1, "24h"]]})
    assert office.call(1).kind == "ringing"
    refused = office.call(2)
    assert (refused.kind, refused.rule) == ("refused", "contact_policy:rolling_cap")
    assert refused.not_before is not None
    assert infinity.get("/infinity/_sim/counts")["calls"] == 1


def test_a_refused_allocation_does_not_count_as_a_contact(office):
    office.change(max_concurrent_calls=1, contact_rules={"preset": "list_only", "rolling": [[1, "24h"]]})
    office.call(1, "13800000001")
    assert office.call(2, "13800000002").rule == "over_limit"
    assert office.rows("SELECT count(*) FROM contact_attempts") == [(1,)]


def test_caller_numbers_are_rotated_over_the_pool_and_the_range(office, infinity):
    office.change(caller_numbers=["057188880000"], caller_range_start="057199990001", caller_range_end="057199990002")
    for collector in range(1, 7):
        office.call(collector, f"1380000000{collector}")
    shown = [call["disnumber"] for call in infinity.get("/infinity/_sim/calls")]
    assert shown == ["057188880000", "057199990001", "057199990002"] * 2


def test_a_tenant_without_configuration_or_collector_is_refused(office, api):
    answer = api.post("/api/v1/infinity/make-call", json={"tenant_id": 5, "collector_id": 1, "phone": "13800000001"})
    assert (answer.status_code, answer.json()["rule"]) == (409, "no_config")
    answer = api.post("/api/v1/infinity/make-call", json={"tenant_id": 1, "collector_id": 77, "phone": "13800000001"})
    assert answer.status_code == 404


def test_an_extension_that_fails_again_and_again_is_quarantined_and_comes_back(runtime, infinity):
    office = set_up(runtime, infinity.url + "/infinity/api", lines=1, quarantine_after=2, quarantine_s=60)
    infinity.behave(unknown_extensions=["1000"])
    assert [office.call(1, f"1380000000{n}").kind for n in range(3)] == ["failed", "failed", "refused"]
    ((state, reason),) = office.rows("SELECT state, offline_reason FROM extension_pool")
    assert (state, reason) == ("offline", "quarantine: 2 failures in a row")

    async def later() -> Swept:
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            return await sweep(deps)

    with days.frozen(days.now() + dt.timedelta(seconds=61)):
        assert asyncio.run(later()).out_of_quarantine == 1
    assert pool_states(office) == {"available": 1}
