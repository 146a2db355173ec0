"""Callbacks: believed only when signed, counted once, never lost, whatever order they come in."""

import asyncio
import json
import random

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.tenants import configurations
from calling_pipeline.vendors.infinity.answers import result_of
from calling_pipeline.vendors.infinity.callbacks import decode, sign
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY
from calling_pipeline_tests.telephony.support import broken_rules, callback_body, set_up, signed

PATH = "/api/v1/infinity/callback/call-record"


@pytest.fixture
def sender(api):
    """Infinity's side: no bearer token."""
    with httpx.Client(base_url=api.base_url, timeout=LIMIT_S) as client:
        yield client


def send(sender, body, **options):
    return sender.post(PATH, content=body, headers=signed(body, **options))


def outcome(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["outcome"]


def test_a_callback_settles_its_call_once(office, sender):
    call = office.call(1)
    body = callback_body(call.call_uuid)
    assert [outcome(send(sender, body)) for _ in range(3)] == ["applied", "duplicate", "duplicate"]
    assert office.state(call.call_id) == "connected"
    assert office.rows("SELECT repeats FROM call_callbacks") == [(2,)]
    assert office.rows("SELECT duration_s, settled_by FROM communication_records") == [(12, "callback")]


def test_a_final_state_never_changes_but_a_recording_may_be_added(office, sender):
    call = office.call(1)
    assert outcome(send(sender, callback_body(call.call_uuid))) == "applied"
    assert outcome(send(sender, callback_body(call.call_uuid, connected=False, result="用户忙"))) == "already_settled"
    recording = callback_body(call.call_uuid, call_record_url="https://records.example.com/1.mp3")
    assert outcome(send(sender, recording)) == "already_settled"
    ((state, url),) = office.rows("SELECT state, recording_url FROM communication_records")
    assert (state, url) == ("connected", "https://records.example.com/1.mp3")


def test_an_old_callback_does_not_free_an_extension_allocated_again(office, sender):
    first = office.call(1)
    office.rows("UPDATE communication_records SET closed_at = now(), state = 'unknown' RETURNING 1")
    office.rows("UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL RETURNING 1")
    office.rows("UPDATE extension_pool SET released_turn = 99999 WHERE number <> %(n)s RETURNING 1", n=first.extension)
    second = office.call(2, "13800000002")
    assert second.extension == first.extension
    assert outcome(send(sender, callback_body(first.call_uuid))) == "applied"
    assert office.state(first.call_id) == "connected"
    assert office.rows("SELECT number, holder FROM extension_pool WHERE state = 'in_use'") == [(second.extension, 2)]
    assert broken_rules(office.runtime) == []


def test_a_callback_of_an_unknown_call_is_kept_and_matched_when_the_call_is_known(office, sender):
    body = callback_body("never-seen")
    assert outcome(send(sender, body)) == "kept"
    assert outcome(send(sender, body)) == "duplicate"
    call = office.call(1)
    office.rows("UPDATE communication_records SET call_uuid = 'never-seen' RETURNING 1")

    async def act():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            return await sweep(deps)

    assert asyncio.run(act()).callbacks_matched == 1
    assert office.state(call.call_id) == "connected"
    assert broken_rules(office.runtime) == []


def test_a_kept_callback_changes_nothing_of_a_call_that_the_bill_has_settled(office, sender):
    assert outcome(send(sender, callback_body("never-seen"))) == "kept"
    call = office.call(1)
    office.rows(
        "UPDATE communication_records SET call_uuid = 'never-seen', state = 'busy', closed_at = now(), settled_at = now(),"
        " settled_by = 'bill' RETURNING 1"
    )
    with office.runtime.transaction() as connection:
        assert call_store.match_callbacks(connection, days.now()) == 1
    assert office.rows("SELECT state, settled_by FROM communication_records") == [("busy", "bill")]
    assert office.state(call.call_id) == "busy"


def test_an_answer_that_comes_after_the_callback_leaves_the_call_ended(office, sender):
    call = office.call(1)
    assert outcome(send(sender, callback_body(call.call_uuid))) == "applied"
    now = days.now()
    with office.runtime.transaction() as connection:
        assert call_store.answered(connection, call.call_id, call.call_uuid, now, now) == "connected"
    assert broken_rules(office.runtime) == []


def test_our_own_id_in_custom_params_finds_the_call(office, sender, infinity):
    office.call(9, "13800000009")
    infinity.plant("reset", path="/infinity/api", after=True)
    call = office.call(1)
    ((reference,),) = office.rows("SELECT reference FROM communication_records WHERE id = %(id)s", id=call.call_id)
    assert call.kind == "unknown"
    body = callback_body("their-id", custom_params=json.dumps({"customuuid": reference}))
    assert outcome(send(sender, body)) == "applied"
    assert office.state(call.call_id) == "connected"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h: h.pop("X-Signature"),
        lambda h: h.pop("X-Timestamp"),
        lambda h: h.update({"X-Signature": "0" * 64}),
        lambda h: h.update({"X-Signature": ""}),
        lambda h: h.update({"X-Timestamp": "yesterday"}),
        lambda h: h.update({"X-Timestamp": "9" * 30}),
        lambda h: h.update({"X-Timestamp": str(int(h["X-Timestamp"]) + 1)}),
        lambda h: h.update({"X-Timestamp": "-5"}),
    ],
)
def test_what_is_not_signed_is_refused_and_changes_nothing(office, sender, spoil):
    call = office.call(1)
    body = callback_body(call.call_uuid)
    headers = signed(body)
    spoil(headers)
    assert sender.post(PATH, content=body, headers=headers).status_code == 401
    assert office.state(call.call_id) == "ringing"
    assert office.rows("SELECT count(*) FROM call_callbacks") == [(0,)]


def test_one_byte_more_breaks_the_signature(office, sender):
    body = callback_body(office.call(1).call_uuid)
    assert sender.post(PATH, content=body + b" ", headers=signed(body)).status_code == 401


def test_another_tenants_secret_does_not_sign_our_calls(office, runtime, sender, infinity):
    set_up(runtime, infinity.url + "/infinity/api", tenant_id=2, callback_secret="secret-of-the-second-tenant")
    call = office.call(1)
    body = callback_body(call.call_uuid)
    assert send(sender, body, secret="secret-of-the-second-tenant").status_code == 401
    assert outcome(send(sender, callback_body("unknown"), secret="secret-of-the-second-tenant")) == "kept"
    assert office.state(call.call_id) == "ringing"


def test_a_callback_ends_no_call_of_another_tenant_though_it_names_it(office, runtime, sender, infinity):
    other = set_up(runtime, infinity.url + "/infinity/api", tenant_id=2, callback_secret="secret-of-the-second-tenant")
    theirs, ours = other.call(1), office.call(1, "13800000002")
    office.rows("UPDATE communication_records SET call_uuid = 'same' RETURNING 1")
    ((reference,),) = office.rows("SELECT reference FROM communication_records WHERE id = %(id)s", id=theirs.call_id)
    named = callback_body("unknown", custom_params=json.dumps({"customuuid": reference}))
    assert outcome(send(sender, named)) == "kept"
    assert send(sender, callback_body(reference)).status_code == 401
    with runtime.transaction() as connection:
        assert call_store.match_callbacks(connection, days.now()) == 0
    assert outcome(send(sender, callback_body("same"))) == "applied"
    assert (office.state(ours.call_id), office.state(theirs.call_id)) == ("connected", "ringing")
    office.rows("UPDATE communication_records SET call_uuid = 'unknown' WHERE tenant_id = 2 RETURNING 1")
    with runtime.transaction() as connection:
        assert call_store.match_callbacks(connection, days.now()) == 0
    assert office.state(theirs.call_id) == "ringing"


def test_an_id_that_another_tenants_call_has_is_kept_of_ours_too(office, runtime, infinity):
    other = set_up(runtime, infinity.url + "/infinity/api", tenant_id=2)
    theirs, ours = other.call(1), office.call(1, "13800000002")
    assert theirs.call_uuid is not None
    office.rows("UPDATE communication_records SET call_uuid = NULL WHERE id = %(id)s RETURNING 1", id=ours.call_id)
    for _ in range(2):
        with runtime.transaction() as connection:
            call_store.answered(connection, ours.call_id, theirs.call_uuid, days.now(), days.now())
        kept = office.rows("SELECT call_uuid FROM communication_records WHERE id = %(id)s", id=ours.call_id)
        assert kept == [(theirs.call_uuid,)]


def test_both_secrets_are_valid_while_a_rotation_lasts(office, runtime, sender):
    def rotate(overlap_s):
        with runtime.transaction() as connection:
            _, fresh = configurations.rotate_callback_secret(
                connection, runtime.secrets, office.config_id, secret=None, overlap_s=overlap_s, who="test"
            )
        return fresh

    second = rotate(3600)
    assert outcome(send(sender, callback_body("a"))) == "kept"
    assert outcome(send(sender, callback_body("b"), secret=second)) == "kept"
    third = rotate(0)
    assert send(sender, callback_body("c"), secret=second).status_code == 401
    assert outcome(send(sender, callback_body("c"), secret=third)) == "kept"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"[]", None),
        (b"{", None),
        (b'{"is_connected": true}', "call_uuid"),
        (b'{"call_uuid": "a", "call_duration": "long"}', "call_duration"),
        (b'{"call_uuid": "a", "call_duration": -1}', "call_duration"),
        (b'{"call_uuid": "a", "call_duration": 1e999}', "call_duration"),
        (b'{"call_uuid": "a", "call_duration": ' + b"9" * 400 + b"}", "call_duration"),
        (b'{"call_uuid": "a", "is_connected": "perhaps"}', "is_connected"),
        (b'{"call_uuid": "\\u0000"}', "call_uuid"),
        (b'{"call_uuid": "\\ud800"}', "call_uuid"),
        (b"[" * 50_000, None),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_refused_by_name(office, sender, body, field):
    answer = send(sender, body)
    assert answer.status_code == 422, answer.text
    assert answer.json().get("field") == field


def test_odd_but_readable_bodies_are_read():
    report = decode(
        b'{"call_uuid": 77, "call_duration": "12.7", "is_connected": "1", "call_record_url": "ftp://x/y",'
        b' "contact_result": null, "remark": "call 13812345678", "custom_params": [1], "new_field": {}}'
    )
    assert (report.call_uuid, report.duration_s, report.state) == ("77", 12, "connected")
    assert (report.recording_url, report.contact_result, report.remark) == (None, "", "call 138****5678")
    with pytest.raises(InvalidInput):
        decode(b"null")


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ("用户忙", "busy"),
        ("占线", "busy"),
        ("主叫取消", "cancelled"),
        ("CANCEL", "cancelled"),
        ("呼叫失败", "failed"),
        ("未接听", "not_connected"),
        ("空号", "not_connected"),
        ("", "not_connected"),
    ],
)
def test_results_have_states(result, state):
    assert result_of(result) == state


def test_a_body_too_large_is_refused_before_it_is_read(office, sender):
    body = b"x" * 70_000
    assert send(sender, body).status_code == 413


def test_replays_at_each_age_count_once_or_never(office, sender):
    """The same signed callback again and again: within 300 s it counts once, after that it is refused."""
    calls = 1000 if NIGHTLY else 30
    now = days.now().replace(microsecond=0)
    with days.frozen(now):
        for number in range(calls):
            age = (0, 300, 301)[number % 3]
            body = callback_body(f"call-{number}")
            headers = signed(body, at=now.timestamp() - age)
            answers = [sender.post(PATH, content=body, headers=headers).status_code for _ in range(3)]
            assert answers == ([401, 401, 401] if age == 301 else [200, 200, 200])
    assert office.rows("SELECT count(*) FROM call_callbacks") == [(calls - calls // 3,)]


@pytest.mark.parametrize(("ahead_s", "status"), [(300, 200), (301, 401), (86_400, 401)])
def test_a_callback_from_the_future_is_refused(office, sender, ahead_s, status):
    """Rightly signed, but by a clock more than the window ahead of ours: it could be replayed for as long as it is ahead."""
    call = office.call(1)
    now = days.now().replace(microsecond=0)
    with days.frozen(now):
        answer = send(sender, callback_body(call.call_uuid), at=now.timestamp() + ahead_s)
    assert answer.status_code == status
    assert office.state(call.call_id) == ("connected" if status == 200 else "ringing")


def test_a_storm_of_callbacks_repeated_and_out_of_order_ends_every_call_rightly(office, api, infinity):
    """30 % come twice, 20 % come before the call's id is known; every call ends as its callback said."""
    total = 5000 if NIGHTLY else 200
    office.rows(
        """
        INSERT INTO communication_records (reference, tenant_id, config_id, collector_id, extension_id, extension_number,
            fence, destination_masked, destination_hash, state, call_uuid, started_at, deadline, closed_at)
        SELECT 'r' || g, 1, %(config)s, 1, 1, '1000', 0, '', '', 'unknown', CASE WHEN g %% 5 > 0 THEN 'c' || g END,
               now(), now(), now()
        FROM generate_series(1, %(total)s) g RETURNING 1
        """,
        config=office.config_id,
        total=total,
    )
    choice = random.Random(4)
    bodies = [callback_body(f"c{n}", connected=n % 2 == 0, result="用户忙") for n in range(1, total + 1)]
    queue = bodies + choice.sample(bodies, int(total * 0.3))
    choice.shuffle(queue)

    async def storm() -> None:
        limits = httpx.Limits(max_connections=8)
        turns = asyncio.Semaphore(8)
        async with httpx.AsyncClient(base_url=api.base_url, timeout=LIMIT_S, limits=limits) as client:

            async def one(body: bytes) -> None:
                async with turns:
                    answer = await client.post(PATH, content=body, headers=signed(body))
                    assert answer.status_code == 200

            await asyncio.gather(*(one(body) for body in queue))

    asyncio.run(storm())
    office.rows(
        "UPDATE communication_records SET call_uuid = 'c' || substr(reference, 2) WHERE call_uuid IS NULL RETURNING 1"
    )
    with office.runtime.transaction() as connection:
        call_store.match_callbacks(connection, days.now())
    states = dict(office.rows("SELECT state, count(*) FROM communication_records GROUP BY state"))
    assert states == {"connected": total // 2, "busy": total // 2}
    assert office.rows("SELECT count(*), sum(repeats) FROM call_callbacks") == [(total, int(total * 0.3))]


def test_the_signature_is_hex_hmac_sha256_over_timestamp_dot_body():
    expected = "5bbb6b068f8efb33dd20986dac76e0bb9b59fc6ae90fed21f296d61ef0baa80a"
    assert sign("secret", "1700000000", b'{"call_uuid":"x"}') == expected
