"""Telephony over HTTP: configurations, pool, collectors; roles, tenants, and what is written down of changes."""

import json

import pytest

from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.tenants.settings import check_address
from calling_pipeline.vendors.url_guard import Reach
from calling_pipeline_tests.telephony.support import broken_rules, set_up

V1 = "/api/v1/infinity"
CONFIG = {"tenant_id": 1, "api_url": "https://8.8.8.8/api", "app_id": "app", "access_key": "a-very-secret-access-key"}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_configurations_life_with_its_secrets_masked_and_every_change_written_down(api, runtime):
    made = api.post(f"{V1}/configs", json=CONFIG)
    assert made.status_code == 201, made.text
    data = made.json()["data"]
    one = f"{V1}/configs/{data['id']}"
    assert len(data["callback_secret"]) > 30
    shown = api.get(one).json()["data"]
    assert shown["access_key"] == "****-key"
    assert shown["callback_secret"] == "****" + data["callback_secret"][-4:]
    changed = api.patch(one, json={"ring_timeout_s": 30, "access_key": "another-secret-access-key"}).json()["data"]
    assert (changed["ring_timeout_s"], changed["max_concurrent_calls"]) == (30, 100)
    assert api.post(f"{one}/status", json={"enabled": False}).json()["data"]["enabled"] is False
    rotated = api.post(f"{one}/rotate-callback-secret", json={"overlap_s": 60}).json()["data"]
    assert rotated["callback_secret"] != data["callback_secret"]
    assert api.get(f"{V1}/configs/tenant/1").json()["data"]["id"] == data["id"]
    assert api.get(f"{V1}/configs").json()["data"]["total"] == 1
    assert api.delete(one).json()["data"]["deleted"] is True
    assert api.get(one).status_code == 404
    audit = api.get(f"{V1}/audit", params={"subject": f"config:{data['id']}"}).json()["data"]["items"]
    assert [row["action"] for row in audit] == [
        "config.delete",
        "config.rotate_secret",
        "config.change",
        "config.change",
        "config.create",
    ]
    assert (audit[3]["before"]["ring_timeout_s"], audit[3]["after"]["ring_timeout_s"]) == (60, 30)
    assert audit[0]["who"].startswith("admin-")
    for secret in ("a-very-secret-access-key", "another-secret-access-key", data["callback_secret"]):
        assert secret not in json.dumps(audit)
        with runtime.transaction() as connection:
            dump = connection.exec_driver_sql("SELECT c::text FROM infinity_configs c").scalars().all()
        assert secret not in str(dump)


def test_a_secret_opens_for_its_own_tenant_row_and_column_alone(runtime, api):
    from calling_pipeline.errors import SecretUnreadable
    from calling_pipeline.telephony.tenants import accounts

    first = set_up(runtime, "http://127.0.0.1:9/api")
    second = set_up(runtime, "http://127.0.0.1:9/api", tenant_id=2)
    first.rows(
        "UPDATE infinity_configs SET access_key_sealed ="
        " (SELECT access_key_sealed FROM infinity_configs WHERE id = %(other)s) WHERE id = %(mine)s RETURNING 1",
        other=second.config_id,
        mine=first.config_id,
    )
    with runtime.transaction() as connection, pytest.raises(SecretUnreadable):
        accounts.account_of(connection, runtime.secrets, first.config_id)
    assert api.get(f"{V1}/configs/{first.config_id}").json()["data"]["access_key"] == "unreadable; enter it again"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"max_concurrent_calls": 0}, "max_concurrent_calls"),
        ({"max_concurrent_calls": 1001}, "max_concurrent_calls"),
        ({"ring_timeout_s": 9}, "ring_timeout_s"),
        ({"ring_timeout_s": 301}, "ring_timeout_s"),
        ({"strategy": "random"}, "strategy"),
        ({"caller_numbers": ["12"]}, "caller_numbers"),
        ({"caller_range_start": "0571"}, "caller_range_end"),
        ({"caller_range_start": "0571", "caller_range_end": "0570"}, "caller_range_end"),
        ({"caller_range_start": "057100000", "caller_range_end": "057199999"}, "caller_range_end"),
        ({"contact_rules": {"colour": "red"}}, "policy.colour"),
        ({"contact_rules": {"preset": ["x"]}}, "policy.preset"),
        ({"api_url": "ftp://example.com"}, "api_url"),
        ({"api_url": "http://user@example.com"}, "api_url"),
        ({"name": "\u0000"}, "name"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_what_is_wrong_is_refused_by_name(api, change, field):
    answer = api.post(f"{V1}/configs", json={**CONFIG, **change})
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["field"]


def test_one_enabled_configuration_a_tenant_and_one_of_a_name(api):
    assert api.post(f"{V1}/configs", json=CONFIG).status_code == 201
    assert "of that name" in api.post(f"{V1}/configs", json={**CONFIG, "enabled": False}).json()["error"]
    assert "enabled configuration already" in api.post(f"{V1}/configs", json={**CONFIG, "name": "new"}).json()["error"]
    assert api.post(f"{V1}/configs", json={**CONFIG, "name": "new", "enabled": False}).status_code == 201


def test_an_api_url_in_a_private_network_is_refused(database_url, tmp_path):
    import httpx

    from calling_pipeline.api.app import create_app
    from calling_pipeline.runtime import Runtime
    from calling_pipeline.settings import load
    from calling_pipeline_tests.serving import served
    from calling_pipeline_tests.support import LIMIT_S
    from calling_pipeline_tests.telephony.support import SECRET_KEY, TOKENS

    dsn = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    strict = Runtime(load(home=tmp_path, database_url=dsn, secret_key=SECRET_KEY, api_tokens=TOKENS))
    with (
        served(create_app(strict)) as url,
        httpx.Client(base_url=url, headers=bearer("admin-token"), timeout=LIMIT_S) as client,
    ):
        for address in ("http://127.0.0.1:1/api", "http://[::ffff:10.0.0.1]/", "http://0x7f000001/", "http://localhost/"):
            answer = client.post(f"{V1}/configs", json={**CONFIG, "api_url": address})
            assert (answer.status_code, answer.json()["field"]) == (422, "api_url"), answer.text
        made = client.post(f"{V1}/configs", json=CONFIG).json()["data"]["id"]
        strict_db = strict.engine.connect()
        with strict_db.begin():
            strict_db.exec_driver_sql("UPDATE infinity_configs SET api_url = 'http://127.0.0.1:1/api'")
        strict_db.close()
        tested = client.post(f"{V1}/configs/{made}/test-connection").json()["data"]
    assert tested["reachable"] is False
    assert "PrivateAddress" in tested["reason"]


def test_a_new_address_needs_the_key_again(api, runtime):
    """An administrator must not be able to read a key that they cannot see, by having it sent to a server of their own."""
    one = f"{V1}/configs/{api.post(f'{V1}/configs', json=CONFIG).json()['data']['id']}"
    for address in ("https://9.9.9.9/api", "https://8.8.8.8/other", "http://8.8.8.8/api"):
        refused = api.patch(one, json={"api_url": address})
        assert (refused.status_code, refused.json()["field"]) == (422, "access_key"), refused.text
    assert api.patch(one, json={"api_url": CONFIG["api_url"], "ring_timeout_s": 30}).status_code == 200
    changed = api.patch(one, json={"api_url": "https://9.9.9.9/api", "access_key": "entered-once-again"})
    assert changed.json()["data"]["api_url"] == "https://9.9.9.9/api"


@pytest.mark.parametrize(
    ("address", "exempt"),
    [
        ("http://127.0.0.1:8900/infinity", True),
        ("http://127.0.0.1:8901/infinity", False),
        ("https://127.0.0.1:8900/infinity", False),
        ("http://127.0.0.2:8900/infinity", False),
        ("http://8.8.8.8/api", False),  # public, but without encryption
        ("https://8.8.8.8/api", True),
    ],
)
def test_an_exempt_origin_exempts_nothing_beside_it(address, exempt):
    reach = Reach(origins=frozenset({"http://127.0.0.1:8900"}))
    if exempt:
        check_address(address, reach)
    else:
        with pytest.raises(InvalidInput):
            check_address(address, reach)


def test_a_connection_is_tested_with_its_latency(api, office, infinity):
    good = api.post(f"{V1}/configs/{office.config_id}/test-connection").json()["data"]
    assert good["reachable"] is True
    assert good["latency_ms"] > 0
    office.change(access_key="wrong")
    bad = api.post(f"{V1}/configs/{office.config_id}/test-connection").json()["data"]
    assert bad["reachable"] is False
    assert "601" in bad["reason"]


def test_an_import_says_what_became_of_every_row(api, office):
    rows = ["1000", "2001", {"number": "2002", "label": "hall"}, "2001", "", "no spaces", "２００３", "x" * 40]
    answer = api.post(f"{V1}/extensions/import", json={"config_id": office.config_id, "rows": rows}).json()["data"]
    assert [row["result"] for row in answer["rows"]] == [
        "already_there",
        "imported",
        "imported",
        "duplicate_in_file",
        "invalid",
        "invalid",
        "imported",
        "invalid",
    ]
    assert answer["counts"] == {"imported": 3, "duplicate_in_file": 1, "already_there": 1, "invalid": 3}
    csv = "\ufefflabel,number\r\nfront,3001\r\n,3002\r\n"
    answer = api.post(f"{V1}/extensions/import", json={"config_id": office.config_id, "csv": csv}).json()["data"]
    assert answer["counts"]["imported"] == 2
    found = api.get(f"{V1}/extensions", params={"number": "300", "limit": 1}).json()["data"]
    assert (found["total"], found["items"][0]["label"]) == (2, "front")


def test_an_extension_in_use_is_not_deleted_and_goes_offline_after_its_call(api, office):
    call = office.call(1)
    (held,) = api.get(f"{V1}/extensions", params={"state": "in_use"}).json()["data"]["items"]
    one = f"{V1}/extensions/{held['id']}"
    assert (held["number"], held["holder"]) == (call.extension, 1)
    assert api.delete(one).status_code == 409
    assert api.delete(f"{V1}/configs/{office.config_id}").status_code == 409
    assert api.delete(f"{V1}/collectors/1", params={"tenant_id": 1}).status_code == 409
    assert api.patch(f"{one}/state", json={"state": "offline"}).json()["data"]["draining"] is True
    assert api.post(f"{one}/release", json={"fence": held["fence"] - 1}).json()["data"]["released"] is False
    released = api.post(f"{one}/release", json={"fence": held["fence"]}).json()["data"]
    assert (released["released"], released["extension"]["state"]) == (True, "offline")
    assert office.state(call.call_id) == "unknown"
    assert api.patch(f"{one}/state", json={"state": "available"}).json()["data"]["state"] == "available"
    assert api.delete(one).status_code == 200
    assert broken_rules(office.runtime) == []


def test_force_release_frees_what_a_collector_holds(api, office):
    call = office.call(3)
    answer = api.post(f"{V1}/extensions/force-release/3", params={"tenant_id": 1}).json()["data"]
    assert len(answer["released"]) == 1
    assert office.state(call.call_id) == "unknown"
    assert api.post(f"{V1}/extensions/force-release/3", params={"tenant_id": 1}).json()["data"] == {"released": []}
    assert api.post(f"{V1}/extensions/force-release/99", params={"tenant_id": 1}).status_code == 404
    assert broken_rules(office.runtime) == []


def test_statistics_count_every_state(api, office):
    office.change(cool_down_s=600)
    office.call(1)
    office.call(2, "13800000002")
    api.post(f"{V1}/extensions/force-release/2", params={"tenant_id": 1})
    api.patch(f"{V1}/extensions/{office.extensions[9]}/state", json={"state": "offline"})
    (pool,) = api.get(f"{V1}/extensions/statistics").json()["data"]
    counts = {name: pool[name] for name in ("total", "available", "cooling_down", "in_use", "offline")}
    assert counts == {"total": 10, "available": 7, "cooling_down": 1, "in_use": 1, "offline": 1}
    assert pool["utilisation_pct"] == pytest.approx(11.11)


@pytest.mark.parametrize(
    ("number", "shown"),
    [("138 1234 5678", "+86****5678"), ("+8613812345678", "+86****5678"), ("0571-88887777", "+86****7777")],
)
def test_a_collectors_number_is_checked_and_masked(api, number, shown):
    made = api.post(f"{V1}/collectors", json={"tenant_id": 1, "collector_id": 5, "callback_number": number})
    assert (made.status_code, made.json()["data"]["callback_number"]) == (201, shown)
    assert (
        api.post(f"{V1}/collectors", json={"tenant_id": 1, "collector_id": 5, "callback_number": number}).status_code == 409
    )
    changed = api.patch(f"{V1}/collectors/5", params={"tenant_id": 1}, json={"active": False, "name": "Li"}).json()["data"]
    assert (changed["active"], changed["name"]) == (False, "Li")
    assert api.delete(f"{V1}/collectors/5", params={"tenant_id": 1}).status_code == 200


@pytest.mark.parametrize("number", ["", "12", "not a number", "+999123456789", "13812345678 ext. 5", "999999999999999999"])
def test_a_number_that_cannot_exist_is_refused_without_being_repeated(api, number):
    answer = api.post(f"{V1}/collectors", json={"tenant_id": 1, "collector_id": 5, "callback_number": number})
    assert (answer.status_code, answer.json()["field"]) == (422, "callback_number")
    assert len(number) < 6 or number not in answer.text


def test_one_tenant_does_not_see_another(api, runtime, office):
    call = office.call(1)
    extension, config = office.extensions[0], office.config_id
    for method, path, body in [
        ("GET", f"/configs/{config}", None),
        ("GET", "/configs/tenant/1", None),
        ("PATCH", f"/configs/{config}", {"ring_timeout_s": 20}),
        ("DELETE", f"/configs/{config}", None),
        ("POST", f"/configs/{config}/status", {"enabled": False}),
        ("POST", f"/configs/{config}/test-connection", None),
        ("POST", f"/configs/{config}/rotate-callback-secret", {}),
        ("POST", "/extensions", {"config_id": config, "number": "9999"}),
        ("POST", "/extensions/import", {"config_id": config, "rows": ["9999"]}),
        ("GET", f"/extensions/{extension}", None),
        ("PATCH", f"/extensions/{extension}/state", {"state": "offline"}),
        ("DELETE", f"/extensions/{extension}", None),
        ("POST", f"/extensions/{extension}/release", {}),
        ("GET", f"/calls/{call.call_id}", None),
    ]:
        answer = api.request(method, V1 + path, json=body, headers=bearer("admin-of-2"))
        assert answer.status_code == 404, (method, path, answer.text)
    for method, path, body in [
        ("POST", "/configs", CONFIG),
        ("POST", "/collectors", {"tenant_id": 1, "collector_id": 5, "callback_number": "13812345678"}),
        ("GET", "/collectors/1?tenant_id=1", None),
        ("DELETE", "/collectors/1?tenant_id=1", None),
        ("POST", "/extensions/force-release/1?tenant_id=1", None),
        ("POST", "/make-call", {"tenant_id": 1, "collector_id": 1, "phone": "13800000001"}),
        ("GET", "/extensions?tenant_id=1", None),
        ("GET", "/audit?tenant_id=1", None),
    ]:
        answer = api.request(method, V1 + path, json=body, headers=bearer("admin-of-2"))
        assert answer.status_code == 403, (method, path, answer.text)
    for path in ("/configs", "/extensions", "/collectors", "/calls", "/audit"):
        assert api.get(V1 + path, headers=bearer("admin-of-2")).json()["data"]["total"] == 0, path
    assert api.get(f"{V1}/extensions/statistics", headers=bearer("admin-of-2")).json()["data"] == []
    assert office.state(call.call_id) == "ringing"


ROLES = ("viewer-of-1", "collector-of-1", "operator-of-1", "admin-of-1")


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("GET", "/configs", None, 0),
        ("GET", "/extensions", None, 0),
        ("GET", "/calls", None, 0),
        ("POST", "/make-call", {}, 1),
        ("POST", "/extensions", {}, 2),
        ("POST", "/extensions/import", {}, 2),
        ("DELETE", "/extensions/1", None, 2),
        ("POST", "/collectors", {}, 2),
        ("GET", "/audit", None, 2),
        ("POST", "/configs/1/test-connection", None, 2),
        ("POST", "/configs", {}, 3),
        ("DELETE", "/configs/1", None, 3),
        ("POST", "/configs/1/rotate-callback-secret", {}, 3),
    ],
)
def test_every_act_has_its_least_role(api, method, path, body, least):
    for rank, token in enumerate(ROLES):
        answer = api.request(method, V1 + path, json=body, headers=bearer(token))
        assert (answer.status_code == 403) == (rank < least), (token, answer.text)
    assert api.request(method, V1 + path, json=body, headers=bearer("nobody")).status_code == 401


def test_the_nineteen_acts_of_the_old_system_are_described(api):
    document = api.get("/openapi.json").json()
    acts = [
        (method, path.removeprefix(V1), act["summary"])
        for path, methods in document["paths"].items()
        if path.startswith(V1)
        for method, act in methods.items()
    ]
    assert len([act for act in acts if act[1].startswith("/configs")]) >= 8
    assert len([act for act in acts if act[1].startswith("/extensions")]) >= 9
    assert {"/make-call", "/callback/call-record"} <= {act[1] for act in acts}
