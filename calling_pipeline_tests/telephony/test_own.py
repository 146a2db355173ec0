"""Own and other: whoever is bound to a tenant reaches nothing of another, and a collector acts as themselves only.

Every telephony route of the API's table is asked about another tenant's things: a new one fails until it stands here.
"""

from typing import Any

import httpx
import pytest

from calling_pipeline.api.app import ROUTERS, create_app
from calling_pipeline.api.needs import routes_of
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline_tests.api.test_matrix import TABLE
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, every_nth
from calling_pipeline_tests.telephony.support import set_up

V1 = "/api/v1/infinity"
GRANTS = {
    "admin-of-1": TokenGrant(role="admin", tenant=1),
    "first": TokenGrant(role="collector", tenant=1, collector=1, name="first"),
    "boss of one": TokenGrant(role="admin", tenant=1, collector=1, name="boss of one"),
    "everybody": TokenGrant(role="admin"),
}
# What is asked of another tenant's thing, beyond its path; `own` stands for a list, which shows the caller's own tenant.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/configs"): {"tenant_id": 2, "api_url": "https://x.test", "app_id": "a", "access_key": "k", "name": "n"},
    ("POST", "/configs/test-connection"): {"config_id": "{config_id}", "api_url": "https://x.test", "access_key": "k"},
    ("PATCH", "/configs/{config_id}"): {"name": "taken over"},
    ("POST", "/configs/{config_id}/status"): {"enabled": False},
    ("POST", "/configs/{config_id}/rotate-callback-secret"): {},
    ("POST", "/extensions"): {"config_id": "{config_id}", "number": "4711"},
    ("POST", "/extensions/import"): {"config_id": "{config_id}", "rows": ["4711"]},
    ("PATCH", "/extensions/{extension_id}/state"): {"state": "offline"},
    ("POST", "/collectors"): {"tenant_id": 2, "collector_id": 99, "callback_number": "13900000000"},
    ("POST", "/collectors/import"): {"tenant_id": 2, "csv": "collector_id,callback_number\n99,13900000000\n"},
    ("PATCH", "/collectors/{collector_id}"): {"active": False},
    ("POST", "/make-call"): {"tenant_id": 2, "collector_id": 1, "phone": "13800000001"},
    ("POST", "/reconcile"): {"day": "2026-11-20"},
    ("POST", "/cases"): {"tenant_id": 2, "collector_id": 1, "phone": "13800000001"},
    ("POST", "/cases/import"): {"tenant_id": 2, "text": "1,Wang,13800000001,"},
    ("POST", "/cases/{case_id}/result"): {"result": "paid"},
    ("POST", "/calls/{call_id}/notes"): {"score": 5},
    ("POST", "/quality/samples"): {"tenant_id": 2, "from": "2026-11-20", "to": "2026-11-21"},
    ("POST", "/callbacks/kept/{kept_id}/replay"): {"is_connected": True, "reason": "asked"},
    ("POST", "/configs/{config_id}/callback-path"): {"addresses": ["192.0.2.0/24"]},
}
OPERATIONS = [(method, path.removeprefix(V1)) for method, path in TABLE if path.startswith(V1)]
TABLES = (
    "infinity_configs",
    "extension_pool",
    "collectors",
    "communication_records",
    "collector_cases",
    "quality_samples",
    "audit_log",
)


@pytest.fixture
def offices(runtime, infinity):
    address = infinity.url + "/infinity/api"
    return {tenant: set_up(runtime, address, tenant_id=tenant, lines=4, agents_=2) for tenant in (1, 2)}


@pytest.fixture
def ask(offices, runtime):
    """Ask as the caller of a token; answers (status, data)."""
    settings = runtime.settings.model_copy(update={"api_tokens": GRANTS})
    with served(create_app(Runtime(settings))) as url, httpx.Client(base_url=url + V1, timeout=LIMIT_S) as client:

        def act(token, method, path, **given):
            answer = client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **given)
            return answer.status_code, answer.json().get("data")

        yield act


def takes_a_tenant(method, path):
    """Whether the route has the parameter `tenant_id`, which others refuse as unknown."""
    route = next(one for one in routes_of(ROUTERS) if one.path == V1 + path and method in one.methods)
    return any(parameter.name == "tenant_id" for parameter in route.dependant.query_params)


def a_case(office):
    """A case of the office's first collector."""
    runtime, new = office.runtime, NewCase(1, "13800000077", "Wang")
    with runtime.transaction() as connection:
        return cases.add(connection, runtime.secrets, runtime.phone_keys, office.tenant_id, new, who="test").id


def kept_callback(office):
    """A signed callback that could not be read."""
    added = office.rows(
        "INSERT INTO kept_callbacks (config_id, body_digest, reason, sentence, signed_at, received_at)"
        " VALUES (%(config)s, '1', 'unreadable', 'no JSON', now(), now()) RETURNING id",
        config=office.config_id,
    )
    return added[0][0]


def a_sample(office):
    """A sample without a call."""
    added = office.rows(
        "INSERT INTO quality_samples (tenant_id, first, last, per_collector, second_pct, seed, made_at, made_by)"
        " VALUES (%(tenant)s, '2026-11-20', '2026-11-20', 5, 20, 1, now(), 'test') RETURNING id",
        tenant=office.tenant_id,
    )
    return added[0][0]


def rows_of(office):
    return {table: sorted(office.rows(f"SELECT t::text FROM {table} AS t")) for table in TABLES}


@pytest.mark.parametrize(("method", "path"), every_nth(OPERATIONS, 2))
def test_nothing_of_another_tenant_is_reached(ask, offices, method, path):
    other = offices[2]
    call = other.call(2)
    ids = {"tenant_id": 2, "config_id": other.config_id, "extension_id": other.extensions[0], "collector_id": 2}
    ids |= {"call_id": call.call_id, "kept_id": kept_callback(other), "case_id": a_case(other)}
    ids |= {"sample_id": a_sample(other)}
    asked = path.format(**ids)
    body = BODIES.get((method, path))
    if body is not None:
        body = {name: ids["config_id"] if value == "{config_id}" else value for name, value in body.items()}
    before = rows_of(other)
    named = {"tenant_id": 2} if takes_a_tenant(method, path) else None
    status, data = ask("admin-of-1", method, asked, params=named, json=body)
    assert status in (403, 404), f"{status}: {data}"
    assert rows_of(other) == before


@pytest.mark.parametrize("path", [path for method, path in OPERATIONS if method == "GET" and "{" not in path])
def test_a_list_shows_the_callers_own_tenant(ask, path):
    status, data = ask("admin-of-1", "GET", path)
    everybody = ask("everybody", "GET", path)[1]
    assert status == 200
    assert "'tenant_id': 2" not in str(data)
    if isinstance(data, dict) and data["items"]:
        assert "'tenant_id': 2" in str(everybody)


def test_a_collector_calls_as_themselves_and_sees_their_own_calls(ask, offices):
    own, others = offices[1].call(1, "13800000001"), offices[1].call(2, "13800000002")
    body = {"collector_id": 2, "phone": "13800000003"}
    assert ask("first", "POST", "/make-call", json=body)[0] == 403
    assert [row["id"] for row in ask("first", "GET", "/calls")[1]["items"]] == [own.call_id]
    assert ask("first", "GET", "/calls", params={"collector_id": 2})[0] == 403
    assert ask("first", "GET", f"/calls/{own.call_id}")[0] == 200
    assert ask("first", "GET", f"/calls/{others.call_id}")[0] == 404
    assert [row["id"] for row in ask("first", "GET", "/collectors")[1]["items"]] == [1]
    assert ask("first", "GET", "/collectors/1")[0] == 200
    assert ask("first", "GET", "/collectors/2")[0] == 403


def test_a_collector_who_has_no_call_open_makes_one_for_themselves(ask, offices):
    status, outcome = ask("first", "POST", "/make-call", json={"collector_id": 1, "phone": "13800000003"})
    assert (status, outcome["kind"]) == (200, "ringing")


@pytest.mark.parametrize(
    ("method", "path"), every_nth([one for one in OPERATIONS if TABLE[one[0], V1 + one[1]][2:] != ("own",)], 2)
)
def test_whoever_is_bound_to_a_collector_is_refused_where_others_are_concerned(ask, offices, method, path):
    ids = {"tenant_id": 1, "config_id": offices[1].config_id, "extension_id": offices[1].extensions[0], "collector_id": 1}
    ids |= {"kept_id": kept_callback(offices[1]), "case_id": a_case(offices[1]), "call_id": 1}
    ids |= {"sample_id": a_sample(offices[1])}
    before = rows_of(offices[1])
    assert ask("boss of one", method, path.format(**ids), json=BODIES.get((method, path)))[0] == 403
    assert rows_of(offices[1]) == before
