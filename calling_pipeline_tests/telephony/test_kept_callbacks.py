"""Callbacks that cannot be read are kept and can be applied later; those without a signature are believed when confirmed."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from typing import Any

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.billing.reconcile import reconcile_day
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring import alerting
from calling_pipeline.vendors.infinity.callbacks import decode, signed_at
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, http, wait_until
from calling_pipeline_tests.telephony.support import SECRET_KEY, TOKENS, broken_rules, callback_body, set_up, signed

V1 = "/api/v1/infinity"
PATH = f"{V1}/callback/call-record"


@pytest.fixture
def sender(api):
    """Infinity's side: no bearer token."""
    with httpx.Client(base_url=api.base_url, timeout=LIMIT_S) as client:
        yield client


def send(sender, body):
    return sender.post(PATH, content=body, headers=signed(body))


def act(office, what, *, later_s=0.0):
    async def run():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            return await what(deps)

    with days.frozen(days.now() + dt.timedelta(seconds=later_s)):
        return asyncio.run(run())


def held(office):
    return office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'")[0][0]


def alerts(office):
    with office.runtime.transaction() as connection:
        alerting.judge(connection)
    return office.rows("SELECT count(*) FROM alerts WHERE title LIKE '%%callbacks cannot be read%%'", nothing=None)[0][0]


UNREADABLE = {
    "a word for connected that nobody knows": {"is_connected": 2},
    "a duration that is none": {"call_duration": "33 s"},
    "a duration of 400 digits": {"call_duration": int("9" * 400)},
    "true for a duration": {"call_duration": True},
}


@pytest.mark.parametrize("odd", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_signed_callback_that_cannot_be_read_is_kept_once_and_settles_its_call_when_it_is_replayed(
    office, sender, command, odd
):
    call = office.call(1)
    body = callback_body(call.call_uuid, remark="call 13812345678", **odd)
    answers = [send(sender, body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert office.state(call.call_id) == "ringing"
    ((repeats, sealed),) = office.rows("SELECT repeats, body_sealed FROM kept_callbacks")
    assert repeats == 1
    assert b"13812345678" not in bytes(sealed)
    status, listed = command("callbacks", "list")
    (kept,) = listed["callbacks"]
    assert (status, kept["reason"], kept["call_uuid"]) == (0, "unreadable", call.call_uuid)
    assert command("callbacks", "replay", str(kept["id"]))[0] == 1, "it still cannot be read"
    status, done = command("callbacks", "replay", str(kept["id"]), "--connected", "--duration", "33", "--why", "asked them")
    assert (status, done["outcome"]) == (0, "applied")
    assert office.rows("SELECT state, duration_s, settled_by FROM communication_records") == [("connected", 33, "callback")]
    assert (held(office), broken_rules(office.runtime)) == (0, [])
    assert office.rows("SELECT body_sealed, outcome FROM kept_callbacks") == [(None, "applied")]
    assert command("callbacks", "replay", str(kept["id"]))[0] == 1
    assert office.rows("SELECT act, reason FROM audit_log WHERE act LIKE 'callback.%%'", nothing=None) == [
        ("callback.replay", "asked them")
    ]


def test_callbacks_that_cannot_be_read_are_alerted_once_until_none_waits(office, sender, command):
    for number in range(2):
        send(sender, callback_body(f"odd-{number}", is_connected="perhaps"))
        assert alerts(office) == 1
    for kept in command("callbacks", "list")[1]["callbacks"]:
        assert command("callbacks", "drop", str(kept["id"]))[0] == 1, "a reason is needed"
        assert command("callbacks", "drop", str(kept["id"]), "--why", "a test")[0] == 0
    assert alerts(office) == 2, "and once that it is over"


@pytest.mark.parametrize("odd", [{"is_connected": "perhaps"}, {"call_duration": "long"}])
def test_a_stranger_fills_no_table(office, sender, odd):
    """Only what is signed is kept."""
    body = callback_body("x", **odd)
    headers = signed(body, secret="not the secret")
    assert sender.post(PATH, content=body, headers=headers).status_code == 401
    assert office.rows("SELECT count(*) FROM kept_callbacks") == [(0,)]


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"call_duration": "00:00:33"}, ("connected", 33)),
        ({"call_duration": "1:02:03"}, ("connected", 3723)),
        ({"contact_result": "已接通"}, ("connected", 12)),
    ],
)
def test_other_forms_of_what_is_certain_are_read(odd, expected):
    document = json.loads(callback_body("a", **odd))
    for body in (json.dumps([document]).encode(), json.dumps(document, ensure_ascii=False).encode("gb18030")):
        report = decode(body)
        assert (report.state, report.duration_s) == expected


@pytest.mark.parametrize("body", [b"[]", b'[{"call_uuid": "a"}, {"call_uuid": "b"}]', b'[["a"]]'])
def test_a_list_of_several_records_is_not_read(body):
    from calling_pipeline.errors import InvalidInput

    with pytest.raises(InvalidInput):
        decode(body)


def test_a_timestamp_in_milliseconds_is_read_within_the_same_window():
    from calling_pipeline.vendors.infinity.callbacks import Unsigned

    now = days.now()
    assert abs((signed_at(str(int(now.timestamp() * 1000)), now) - now).total_seconds()) < 1
    with pytest.raises(Unsigned):
        signed_at(str(int((now.timestamp() - 301) * 1000)), now)


CONTRADICTIONS: list[dict[str, Any]] = [
    {"is_connected": None, "call_duration": 33, "call_record_url": "https://records.example.com/1.mp3"},
    {"is_connected": None, "call_duration": 33},
    {"is_connected": False, "call_duration": 33, "call_record_url": "https://records.example.com/1.mp3"},
]


@pytest.mark.parametrize("odd", CONTRADICTIONS)
def test_a_callback_that_contradicts_itself_frees_the_line_and_leaves_the_call_to_the_next_one(office, sender, odd):
    """It was settled as not connected for good, with a recording."""
    call = office.call(1)
    body = callback_body(call.call_uuid, result="", **odd)
    assert [send(sender, body).json()["data"]["outcome"] for _ in range(2)] == ["kept", "duplicate"]
    assert office.rows("SELECT state, settled_at FROM communication_records") == [("unknown", None)]
    assert (held(office), broken_rules(office.runtime)) == (0, [])
    assert send(sender, callback_body(call.call_uuid)).json()["data"]["outcome"] == "applied"
    assert office.state(call.call_id) == "connected"


def test_the_bill_settles_what_a_callback_left_open(office, infinity, sender):
    infinity.behave(answer_rate=1.0)
    call = office.call(1)
    send(sender, callback_body(call.call_uuid, result="", **CONTRADICTIONS[0]))
    wait_until(lambda: all(one["ended"] for one in infinity.get("/infinity/_sim/calls")))
    act(office, lambda deps: reconcile_day(deps, days.today()))
    assert office.rows("SELECT state, settled_by FROM communication_records") == [("connected", "bill")]


def test_a_contradiction_that_came_before_its_call_was_known_leaves_it_open_too(office, sender):
    send(sender, callback_body("early", result="", **CONTRADICTIONS[0]))
    office.call(1)
    office.rows("UPDATE communication_records SET call_uuid = 'early' RETURNING 1")
    act(office, sweep)
    assert office.rows("SELECT state, settled_at FROM communication_records") == [("unknown", None)]
    assert (held(office), broken_rules(office.runtime)) == (0, [])


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_jumps_settles_no_call_wrongly(office, infinity, sender, hours):
    """Callbacks are refused meanwhile, lines that are idle are released, and the right callback settles the call later."""
    call = office.call(1)
    say(infinity, call.extension, 1204)
    body = callback_body(call.call_uuid)
    headers = signed(body)
    with days.frozen(days.now() + dt.timedelta(hours=hours)):
        assert sender.post(PATH, content=body, headers=headers).status_code == 401
    act(office, sweep, later_s=hours * 3600)
    assert office.rows("SELECT settled_at FROM communication_records") == [(None,)]
    assert held(office) == 1
    assert send(sender, body).json()["data"]["outcome"] == "applied"
    assert office.state(call.call_id) == "connected"


@pytest.fixture
def path(api, office):
    """The office's secret path, open to this machine."""
    url = f"{V1}/configs/{office.config_id}/callback-path"
    opened = api.post(url, json={"addresses": ["127.0.0.0/8"]})
    assert opened.status_code == 200, opened.text
    assert opened.json()["data"]["config"]["unsigned_callbacks"] is True
    return opened.json()["data"]["path"]


def aged(office):
    """Make every call old enough to be asked about."""
    office.rows("UPDATE communication_records SET called_at = called_at - interval '1 minute' RETURNING 1")


def say(infinity, extension, status):
    """Let Infinity report that status of the line, whose last call has ended and changes it no more."""
    wait_until(lambda: all(one["ended"] for one in infinity.get("/infinity/_sim/calls")))
    http.post(f"{infinity.url}/infinity/_sim/lines", json={extension: status}).raise_for_status()


def test_a_callback_without_a_signature_is_believed_once_the_line_is_idle(office, infinity, sender, path):
    call = office.call(1)
    aged(office)
    say(infinity, call.extension, 1204)
    body = callback_body(call.call_uuid)
    assert sender.post(path, content=body).json()["data"]["outcome"] == "kept"
    assert (office.state(call.call_id), held(office)) == ("ringing", 1)
    say(infinity, call.extension, 1201)
    assert sender.post(path, content=body).json()["data"]["outcome"] == "applied"
    assert (office.state(call.call_id), held(office)) == ("connected", 0)
    assert sender.post(path, content=body).json()["data"]["outcome"] == "duplicate"
    assert broken_rules(office.runtime) == []


def test_the_sweep_believes_what_waited_for_its_line(office, infinity, sender, path):
    with days.frozen(days.now()):
        call = office.call(1)
        wait_until(lambda: all(one["ended"] for one in infinity.get("/infinity/_sim/calls")))
        body = callback_body(call.call_uuid)
        assert sender.post(path, content=body).json()["data"]["outcome"] == "kept", "the call is just beginning"
    act(office, sweep, later_s=10)
    assert (office.state(call.call_id), held(office)) == ("connected", 0)
    assert office.rows("SELECT outcome, body_sealed FROM kept_callbacks") == [("applied", None)]


def test_a_forged_callback_cannot_end_a_call_or_change_a_settled_one(office, infinity, sender, path):
    call = office.call(1)
    assert send(sender, callback_body(call.call_uuid)).status_code == 200
    forged = callback_body(call.call_uuid, connected=False, result="用户忙")
    assert sender.post(path, content=forged).json()["data"]["outcome"] == "already_settled"
    assert office.state(call.call_id) == "connected"
    assert sender.post(path, content=callback_body("no-such-call")).json()["data"]["outcome"] == "kept"


def test_nothing_confirms_a_callback_and_it_is_given_up(office, sender, path):
    sender.post(path, content=callback_body("no-such-call"))
    act(office, sweep, later_s=4 * 86_400)
    assert office.rows("SELECT outcome, closed_by, body_sealed FROM kept_callbacks") == [("given up", "program", None)]


def test_the_path_is_a_secret_and_a_new_one_or_its_end_makes_it_invalid(api, office, sender, path, caplog):
    secret = path.rsplit("/", 1)[1]
    body = callback_body("x")
    assert sender.post(f"{PATH}/{secret[:-1]}x", content=body).status_code == 404
    assert secret not in str(office.rows("SELECT c::text FROM infinity_configs c UNION ALL SELECT a::text FROM audit_log a"))
    assert secret not in api.get(f"{V1}/configs/{office.config_id}").text
    url = f"{V1}/configs/{office.config_id}/callback-path"
    second = api.post(url, json={"addresses": ["127.0.0.1"]}).json()["data"]["path"]
    with caplog.at_level(logging.DEBUG):
        assert sender.post(path, content=body).status_code == 404
    assert secret not in caplog.text
    assert sender.post(second, content=body).status_code == 200
    assert api.delete(url).json()["data"]["unsigned_callbacks"] is False
    assert sender.post(second, content=body).status_code == 404
    acts = [row[0] for row in office.rows("SELECT act FROM audit_log WHERE act LIKE 'config.%%path' ORDER BY id", x=0)]
    assert acts == ["config.open_callback_path"] * 2 + ["config.close_callback_path"]


def test_without_a_path_only_signed_callbacks_are_taken(office, sender):
    call = office.call(1)
    assert sender.post(PATH, content=callback_body(call.call_uuid)).status_code == 401
    assert sender.post(f"{PATH}/", content=callback_body(call.call_uuid)).status_code in (307, 404)
    assert office.state(call.call_id) == "ringing"


@pytest.mark.parametrize("addresses", [[], ["not an address"], ["0.0.0.0/0"], ["203.0.113.7/24"]])
def test_addresses_that_protect_nothing_are_refused(api, office, addresses):
    answer = api.post(f"{V1}/configs/{office.config_id}/callback-path", json={"addresses": addresses})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        ([], None, 404),
        ([], "203.0.113.7", 404),
        (["127.0.0.1"], "203.0.113.7", 200),
        (["127.0.0.1"], "203.0.113.7, 198.51.100.1", 404),
        (["127.0.0.1"], "198.51.100.1, 203.0.113.7", 200),
        (["127.0.0.1"], None, 404),
    ],
)
def test_a_proxys_word_about_the_sender_counts_only_from_a_trusted_proxy(office, tmp_path, proxies, forwarded, status):
    """The path is open to 203.0.113.7 alone; the request comes from this machine."""
    settings = load(
        home=tmp_path / "home",
        database_url=office.runtime.settings.database_url.get_secret_value(),
        secret_key=SECRET_KEY,
        allow_private_urls=True,
        api_tokens=TOKENS,
        trusted_proxies=proxies,
    )
    with (
        served(create_app(Runtime(settings))) as url,
        httpx.Client(base_url=url, timeout=LIMIT_S, trust_env=False) as client,
    ):
        client.headers["Authorization"] = "Bearer admin-token"
        opened = client.post(f"{V1}/configs/{office.config_id}/callback-path", json={"addresses": ["203.0.113.7"]})
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        answer = http.post(url + opened.json()["data"]["path"], content=callback_body("x"), headers=headers)
    assert answer.status_code == status


def test_an_operator_of_another_tenant_neither_sees_nor_replays_what_is_kept(api, office, sender, runtime, infinity):
    set_up(runtime, infinity.url + "/infinity/api", tenant_id=2, callback_secret="secret-of-the-second-tenant")
    send(sender, callback_body("odd", is_connected="perhaps"))
    ((kept_id,),) = office.rows("SELECT id FROM kept_callbacks")
    other = {"Authorization": "Bearer admin-of-2"}
    assert api.get(f"{V1}/callbacks/kept", headers=other).json()["data"]["total"] == 0
    assert api.post(f"{V1}/callbacks/kept/{kept_id}/replay", json={}, headers=other).status_code == 404
    own = {"Authorization": "Bearer operator-of-1"}
    assert api.get(f"{V1}/callbacks/kept", headers=own).json()["data"]["total"] == 1
    replayed = api.post(f"{V1}/callbacks/kept/{kept_id}/replay", json={"is_connected": True}, headers=own)
    assert replayed.json()["data"]["outcome"] == "kept", "its call is not known"
