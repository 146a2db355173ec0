"""The desk over HTTP: whose it is, what its forms do, and that texts from outside are shown as they are."""

import re

import httpx
import pytest

from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline_tests.support import LIMIT_S
from calling_pipeline_tests.telephony.support import set_up

PROBES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}")


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    simulator.forget_calls()
    simulator.behave(ring_s=[600, 600])
    yield set_up(console.runtime, f"{simulator.url}/infinity/api", lines=3, agents_=2)
    simulator.forget_calls()


@pytest.fixture
def at_desk(console, office):
    """A browser without script at the desk of collector 1."""
    link = console.link("li", "collector", tenant_id=1, collector_id=1, language="en")
    with httpx.Client(base_url=console.url, timeout=LIMIT_S, follow_redirects=True) as client:
        client.get(link)
        yield client


def add(office, phone="13800000001", name="Wang", note="", collector=1):
    with office.runtime.transaction() as connection:
        new = NewCase(collector, phone, name, note)
        return cases.add(connection, office.runtime.secrets, office.runtime.phone_keys, 1, new, who="test")


def field(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page.text)[1]


def send(client, path, page, **data):
    return client.post(path, data={"csrf_token": field(page, "csrf_token"), "turn": field(page, "turn"), **data})


def test_the_button_calls_and_the_page_says_what_the_line_is_doing(office, at_desk, simulator):
    case = add(office)
    page = at_desk.get("/desk")
    assert "138****0001" in page.text
    assert "13800000001" not in page.text
    after = send(at_desk, "/desk/call", page, case=case.id)
    assert after.url.path == "/desk"
    assert 'data-testid="line">Ringing' in after.text
    assert len(simulator.get("/infinity/_sim/calls")) == 1
    again = send(at_desk, "/desk/call", page, case=case.id)
    assert again.status_code == 409
    assert len(simulator.get("/infinity/_sim/calls")) == 1


def test_the_part_that_refreshes_itself_is_the_same_part_without_the_frame(office, at_desk):
    add(office)
    live = at_desk.get("/desk/live").text
    assert 'id="line"' in live
    assert "<html" not in live


def test_a_call_that_ended_joins_the_earlier_calls_by_itself(office, at_desk):
    case = add(office)
    send(at_desk, "/desk/call", at_desk.get("/desk"), case=case.id)
    assert "<li>" not in at_desk.get("/desk/earlier").text
    office.rows("UPDATE communication_records SET closed_at = now(), state = 'busy', settled_at = now() RETURNING id")
    earlier = at_desk.get("/desk/earlier").text
    assert 'id="earlier"' in earlier
    assert earlier.count("<li>") == 1
    assert "<html" not in earlier


def test_a_desk_shows_no_case_of_another_collector(office, at_desk):
    case = add(office, "13800000009", "Other", collector=2)
    page = at_desk.get(f"/desk?case={case.id}")
    assert "Other" not in page.text
    assert send(at_desk, "/desk/dial", page, phone="13800000001").status_code == 200
    assert send(at_desk, "/desk/call", at_desk.get("/desk"), case=case.id).status_code in (404, 409)


def test_a_person_who_is_no_collector_is_shown_how_to_become_one_and_can_call_nobody(console, office, as_role):
    page = as_role("operator").get("/desk")
    assert page.status_code == 200
    assert 'data-testid="no-desk"' in page.text
    for path in ("/desk/call", "/desk/next"):
        answer = as_role("operator").post(path, data={"turn": 0, "case": 1})
        assert answer.status_code == 409


def test_a_refusal_names_its_rule_and_the_time(console, office, at_desk):
    office.change(contact_rules={"preset": "list_only", "minimum_gap_s": 3600})
    case = add(office)
    send(at_desk, "/desk/call", at_desk.get("/desk"), case=case.id)
    office.rows("UPDATE communication_records SET closed_at = now(), state = 'unknown' RETURNING id")
    office.rows("UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL RETURNING id")
    page = send(at_desk, "/desk/call", at_desk.get("/desk"), case=case.id)
    assert "contact_policy:minimum_gap" in page.text
    assert re.search(r'data-testid="refusal-until">[^<]*<time datetime="\d{4}-', page.text)


def test_a_result_is_kept_and_the_case_is_done(office, at_desk):
    case = add(office)
    page = send(at_desk, "/desk/call", at_desk.get("/desk"), case=case.id)
    after = at_desk.post(
        "/desk/result",
        data={"csrf_token": field(page, "csrf_token"), "call": field(page, "call"), "result": "paid", "remark": "thanks"},
    )
    assert "The result is saved." in after.text
    assert office.rows("SELECT state, result, remark FROM collector_cases") == [("done", "paid", "thanks")]


def test_texts_from_outside_are_shown_as_they_are(office, at_desk, as_role):
    for number, probe in enumerate(PROBES):
        add(office, f"1380000010{number}", probe[:100], probe)
    for page in (at_desk.get("/desk").text, as_role("operator").get("/telephony/cases").text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{7*7}}" in page


def test_an_operator_imports_cases_and_reads_the_verdict_of_every_row(console, office, as_role):
    text = "1,Wang,13800000001,\n1,Wang,13800000001,\n1,Li,138,\n77,Zhao,13800000002,"
    answer = as_role("operator").post("/telephony/cases/import", data={"tenant": 1, "text": text})
    counts = dict(re.findall(r'data-testid="count-(\w+)">(\d+)<', answer.text))
    assert counts == {"imported": "1", "already_there": "0", "duplicate_in_file": "1", "invalid": "2"}
    assert "13800000001" not in answer.text
    listed = as_role("operator").get("/telephony/cases?collector=1&state=open")
    assert listed.text.count("138****0001") == 1
    export = as_role("operator").get("/telephony/cases?form=csv").text
    assert "138****0001" in export


def test_a_file_in_a_chinese_encoding_is_imported_too(console, office, as_role):
    content = "催员,客户,电话\n1,王女士,13800000001\n".encode("gb18030")
    answer = as_role("operator").post("/telephony/cases/import", data={"tenant": 1}, files={"file": ("c.csv", content)})
    assert answer.status_code == 200
    assert "王女士" in as_role("operator").get("/telephony/cases").text
