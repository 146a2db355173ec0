"""The WeCom client against the simulator over HTTP: the answer's body decides what became of a message."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from calling_pipeline.notifications.dependencies import wecom_client
from calling_pipeline.notifications.outbox.records import LONGEST_BODY_BYTES
from calling_pipeline.runtime import Runtime
from calling_pipeline.vendors import dial_gateway
from calling_pipeline.vendors.wecom import classify
from calling_pipeline_tests.support import http


@pytest.fixture
def wecom_truth(simulator):
    http.delete(f"{simulator.url}/wecom/_sim/messages").raise_for_status()
    http.delete(f"{simulator.url}/wecom/_sim/rules").raise_for_status()
    yield lambda: [(message["to"], message["content"]) for message in simulator.get("/wecom/_sim/messages")]
    http.delete(f"{simulator.url}/wecom/_sim/rules").raise_for_status()


@pytest.fixture
def runtime(app_settings, simulator):
    made = Runtime(app_settings.model_copy(update={"wecom_base_url": f"{simulator.url}/wecom"}))
    yield made
    made.close()


def rules(simulator, **changes):
    http.post(f"{simulator.url}/wecom/_sim/rules", json=changes).raise_for_status()


def to_robot(runtime, content="你好", key="k1", **options):
    async def send():
        async with wecom_client(runtime) as wecom:
            return await wecom.send_to_robot(key, content, **options)

    return asyncio.run(send())


def to_user(runtime, user="u1", content="你好"):
    async def send():
        async with wecom_client(runtime) as wecom:
            return await wecom.send_to_user(user, content)

    return asyncio.run(send())


def test_a_robot_message_arrives(runtime, wecom_truth):
    assert to_robot(runtime).outcome == "done"
    assert to_robot(runtime, "**粗体**", markdown=True).outcome == "done"
    assert wecom_truth() == [("robot:k1", "你好"), ("robot:k1", "**粗体**")]


def test_a_message_to_a_person_arrives_and_one_token_serves_many(runtime, simulator, wecom_truth):
    before = simulator.get("/wecom/_sim/rules")["tokens_issued"]
    assert [to_user(runtime).outcome for _ in range(3)] == ["done"] * 3
    assert wecom_truth() == [("user:u1", "你好")] * 3
    assert simulator.get("/wecom/_sim/rules")["tokens_issued"] == before + 1


def test_a_revoked_token_is_fetched_once_more(runtime, simulator, wecom_truth):
    to_user(runtime)
    http.delete(f"{simulator.url}/wecom/_sim/tokens").raise_for_status()
    assert to_user(runtime).outcome == "done"
    assert len(wecom_truth()) == 2


def test_two_refused_tokens_in_a_row_leave_the_message_unsent(runtime, simulator, wecom_truth):
    simulator.plant("errcode", path="message/send", times=2, errcode=42001)
    result = to_user(runtime)
    assert (result.outcome, result.code) == ("retry", 42001)
    assert wecom_truth() == []


def test_wrong_corporation_secrets_send_nothing_and_say_what_to_check(runtime, simulator, wecom_truth):
    rules(simulator, corp_secret="another")
    result = to_user(runtime)
    assert result.outcome == "retry"
    assert "CALLING_WECOM_CORP_SECRET" in result.reason


def test_invaliduser_in_a_successful_answer_is_not_delivered(runtime, simulator, wecom_truth):
    rules(simulator, invalid_users=["gone"])
    assert to_user(runtime, "gone").outcome == "refused"
    result = to_user(runtime, "gone|u1")
    assert (result.outcome, result.missed) == ("unknown", ("gone",))


def test_an_unknown_receiver_a_bad_key_and_a_too_long_text_are_refused(runtime, simulator, wecom_truth):
    rules(simulator, unknown_users=["nobody"], bad_keys=["bad"])
    assert to_user(runtime, "nobody").code == 81013
    assert to_robot(runtime, key="bad").code == 93000
    assert to_robot(runtime, "长" * 700).code == 40058
    assert wecom_truth() == []


def test_the_21st_message_within_a_minute_is_for_later(runtime, wecom_truth):
    async def send():
        async with wecom_client(runtime) as wecom:
            return [await wecom.send_to_robot("k9", str(n)) for n in range(21)]

    results = asyncio.run(send())
    assert [v.outcome for v in results] == ["done"] * 20 + ["retry"]
    assert results[-1].rate_limited


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 502}),
        ("cut", {}),
        ("garbage", {}),
        ("reset", {}),
    ],
)
def test_an_answer_that_does_not_say_is_unknown(runtime, simulator, wecom_truth, kind, options):
    simulator.plant(kind, path="webhook/send", after=True, **options)
    assert to_robot(runtime).outcome == "unknown"
    assert len(wecom_truth()) == 1


def test_an_answer_that_does_not_come_in_time_is_unknown(app_settings, simulator, wecom_truth):
    simulator.plant("hang", path="webhook/send", after=True, seconds=300)
    hasty = app_settings.model_copy(update={"wecom_base_url": f"{simulator.url}/wecom", "wecom_timeout_s": 5.0})
    runtime = Runtime(hasty)
    assert to_robot(runtime).outcome == "unknown"
    runtime.close()
    assert len(wecom_truth()) == 1


def test_429_503_and_a_refused_connection_are_for_later(runtime, simulator, wecom_truth, app_settings):
    for status, is_rate in ((429, True), (503, False)):
        simulator.plant("status", path="webhook/send", status=status, retry_after=7)
        result = to_robot(runtime)
        assert (result.outcome, result.retry_after_s, result.rate_limited) == ("retry", 7.0, is_rate)
    nobody = Runtime(app_settings.model_copy(update={"wecom_base_url": "http://127.0.0.1:9"}))
    assert to_robot(nobody).outcome == "retry"
    nobody.close()
    assert wecom_truth() == []


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"errcode":0,"errmsg":"ok"}', "done"),
        (200, b'{"errcode":"0"}', "done"),
        (200, b'{"errcode":0,"invaliduser":""}', "done"),
        (200, b'{"errcode":-1,"errmsg":"system busy"}', "unknown"),
        (200, b'{"errcode":45009}', "retry"),
        (200, b'{"errcode":12345}', "refused"),
        (200, b"{}", "unknown"),
        (200, b"", "unknown"),
        (200, b'{"errcode":null}', "unknown"),
        (200, b"[]", "unknown"),
        (302, b"", "refused"),
        (404, b"", "refused"),
        (408, b"", "unknown"),
        (429, b"", "retry"),
        (500, b'{"errcode":0}', "unknown"),
        (502, b"", "unknown"),
        (503, b'{"errcode":0}', "retry"),
        (504, b"", "unknown"),
    ],
)
def test_status_and_body_are_classified_in_one_place(status, body, outcome):
    assert classify(status, body).outcome == outcome


def test_the_longest_text_an_outbox_holds_is_taken_and_one_byte_more_is_not(runtime, wecom_truth):
    longest = "x" * LONGEST_BODY_BYTES
    assert (to_robot(runtime, longest).outcome, to_user(runtime, content=longest).outcome) == ("done", "done")
    assert (to_robot(runtime, longest + "x").outcome, to_user(runtime, content=longest + "x").outcome) == ("refused",) * 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_the_gateway_and_wecom_take_a_failing_status_for_the_same(status):
    """One rule in both rooms: what a vendor did not take is attempted again, what it may have done is held."""
    pushed = dial_gateway.classify(httpx.Response(status))
    assert classify(status, b"").outcome == pushed.outcome
