"""Whose telephony's pages are: another tenant's things do not exist, texts from outside stay texts, roles decide."""

import re
from pathlib import Path
from typing import Any

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.tenants import collectors
from calling_pipeline_tests.console.telephony import CONFIG, PROBES, centre, csrf, keep, visitor
from calling_pipeline_tests.telephony.support import set_up

OTHERS: dict[str, dict[str, Any]] = {
    "/telephony/extensions/{extension_id}/state": {"state": "offline", "reason": "x"},
    "/telephony/extensions/{extension_id}/release": {"fence": "1", "reason": "x"},
    "/telephony/extensions/{extension_id}/delete": {"reason": "x"},
    "/telephony/configurations/{config_id}/status": {"enabled": "false"},
    "/telephony/configurations/{config_id}/rotate": {"overlap_h": "1"},
    "/telephony/configurations/{config_id}/callback-path": {"addresses": "203.0.113.7"},
    "/telephony/configurations/{config_id}/delete": {"reason": "x"},
    "/telephony/configurations/{config_id}/edit": {**CONFIG, "api_url": "https://8.8.8.8/", "access_key": "k"},
    "/telephony/collectors/{tenant_id}/{collector_id}": {"name": "x", "callback_number": "13900000001"},
    "/telephony/collectors/{tenant_id}/{collector_id}/release": {"reason": "x"},
    "/telephony/collectors/{tenant_id}/{collector_id}/delete": {"reason": "x"},
    "/telephony/callbacks/{kept_id}/replay": {"connected": "yes"},
    "/telephony/callbacks/{kept_id}/drop": {"reason": "x"},
}
"""What a form on each of these paths sends when it means it."""


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    with centre(console, simulator) as made:
        yield made


def routes():
    """(method, path) of every route of these pages, from the table that the tests of access compare."""
    text = Path(__file__).with_name("routes").joinpath("telephony.txt").read_text()
    return [tuple(line.split()[:2]) for line in text.splitlines()]


def test_texts_from_outside_are_shown_as_they_are(console, office, as_role):
    with console.runtime.transaction() as connection:
        for number, probe in enumerate(PROBES):
            extensions.add(connection, office.config_id, f"66{number}", probe, who="test")
            collectors.create(
                connection,
                console.runtime.secrets,
                1,
                660 + number,
                name=probe,
                callback_number="13900000000",
                who="test",
            )
        extensions.set_state(connection, office.extensions[0], "offline", reason=PROBES[1], who="test")
    office.change(name=PROBES[0], app_id=PROBES[1])
    admin = as_role("admin")
    for address in (
        "/telephony",
        "/telephony/extensions",
        f"/telephony/extensions/{office.extensions[0]}",
        "/telephony/collectors",
        "/telephony/collectors/1/660",
        "/telephony/configurations",
        f"/telephony/configurations/{office.config_id}",
        f"/telephony/configurations/{office.config_id}/edit",
        "/telephony/extensions/import",
    ):
        text = admin.get(address).text
        assert "<script>alert" not in text, address
        assert "<img src=x" not in text, address
        assert "49" not in re.findall(r">\s*(49)\s*<", text), address
    pasted = "\n".join(f'"{probe}"' for probe in ("<script>alert(1)</script>", "{{7*7}}"))
    checked = admin.post("/telephony/extensions/import", data={"config_id": office.config_id, "text": pasted}).text
    assert "<script>alert" not in checked
    assert "{{7*7}}" in checked


def test_who_may_only_look_is_offered_nothing_to_do(office, as_role):
    viewer, operator = as_role("viewer"), as_role("operator")
    offers = re.compile(r'href="(/telephony/[^"]*/(?:add|import|new|edit|state|release|delete|rotate|status))')
    for address in ("/telephony", f"/telephony/extensions/{office.extensions[0]}", "/telephony/collectors/1/1"):
        assert offers.findall(viewer.get(address).text) == [], address
        assert offers.findall(operator.get(address).text) != [], address
    assert "/telephony/callbacks" not in viewer.get("/telephony").text
    assert offers.findall(operator.get(f"/telephony/configurations/{office.config_id}").text) == []


def test_nobody_sees_or_changes_what_is_another_tenant_s(console, office, simulator):
    other = set_up(console.runtime, f"{simulator.url}/infinity/api", tenant_id=2, lines=2, agents_=1, name="of the other")
    with console.runtime.transaction() as connection:
        extensions.add(connection, other.config_id, "of-the-other", "mark of the other", who="test")
        secrets = console.runtime.secrets
        number = "13900000009"
        collectors.create(connection, secrets, 2, 77, name="mark of the other", callback_number=number, who="test")
    kept = keep(other)
    ids = {"config_id": other.config_id, "extension_id": other.extensions[0], "kept_id": kept}
    with visitor(console, "tom", "admin", tenant_id=1) as tom:
        token = {"csrf_token": csrf(tom.get("/telephony"))}
        for method, path in routes():
            address = re.sub(r"{(\w+)}", lambda place: str(ids.get(place[1], 2)), path)
            answer = tom.request(method, address, data={**token, **OTHERS[path]} if path in OTHERS else token or None)
            assert "of the other" not in answer.text, address
            assert "of-the-other" not in answer.text, address
            if "{" in path:
                assert answer.status_code in (403, 404, 422), f"{method} {address}: {answer.status_code}"
            if method == "GET" and "{" not in path:
                narrowed = tom.get(address, params={"tenant": 2})
                assert narrowed.status_code == 403 or "of the other" not in narrowed.text, address
    after = other.rows("SELECT count(*) FROM extension_pool WHERE config_id = %(id)s", id=other.config_id)
    assert after == [(3,)]
    assert other.rows("SELECT name, enabled FROM infinity_configs WHERE id = %(id)s", id=other.config_id) == [
        ("of the other", True)
    ]
    assert other.rows("SELECT count(*) FROM kept_callbacks WHERE closed_at IS NULL") == [(1,)]
    assert other.rows("SELECT count(*) FROM collectors WHERE tenant_id = 2") == [(2,)]


def test_an_import_into_another_tenant_s_pool_is_refused(console, office, simulator):
    other = set_up(console.runtime, f"{simulator.url}/infinity/api", tenant_id=2, lines=1, agents_=1)
    with visitor(console, "tom", "operator", tenant_id=1) as tom:
        token = {"csrf_token": csrf(tom.get("/telephony/extensions/import"))}
        lines = {**token, "do": "import", "config_id": str(other.config_id), "text": "5555"}
        assert tom.post("/telephony/extensions/import", data=lines).status_code == 404
        added = {**token, "config_id": str(other.config_id), "number": "5555"}
        assert tom.post("/telephony/extensions/add", data=added).status_code == 404
        people = {**token, "do": "import", "tenant_id": "2", "text": "collector_id,callback_number\n9,13900000001"}
        assert tom.post("/telephony/collectors/import", data=people).status_code == 403
        new = {**token, "tenant_id": "2", "collector_id": "9", "callback_number": "13900000001"}
        assert tom.post("/telephony/collectors/add", data=new).status_code == 403
        day = {**token, "tenant_id": "2", "day": days.today().isoformat()}
        assert tom.post("/telephony/reconcile", data=day).status_code == 403
    assert other.rows("SELECT number FROM extension_pool WHERE number = '5555'") == []
