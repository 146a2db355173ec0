"""A person's rights on pages and over the API: by admins, numbers in no address, acts noted, the certificate shown again."""

import pytest

from calling_pipeline.access.audit import store as audit
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline.persons.erasing import KEPT
from calling_pipeline.persons.places import PLACES
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.console.test_policy import EVIL, MASKED, PHONE, looked_up


@pytest.fixture
def listed(console):
    with console.runtime.transaction() as connection:
        do_not_call.add(connection, PHONE, source="complaint", by="li", note="asked")
    return console


def test_an_admin_sees_what_is_kept_erases_it_and_reads_the_certificate_again(listed, as_role):
    admin = as_role("admin")
    where = looked_up(admin)
    asked = admin.get(f"{where}/erase").text
    assert 'data-testid="found"' in asked
    assert "拒呼名单" in asked
    assert admin.post(f"{where}/erase", data={"reason": " "}).status_code == 422
    answer = admin.post(f"{where}/erase", data={"reason": f"letter {EVIL}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/policy/certificates/1")
    page = admin.get("/policy/certificates/1").text
    assert PHONE not in page
    assert MASKED in page
    assert "<script>alert" not in page
    assert 'data-testid="digest"' in page
    assert MASKED in admin.get("/policy/certificates").text
    assert "未找到" not in admin.get(where).text
    assert 'href="/policy/certificates/1"' in admin.get(f"{where}/erase").text
    with listed.runtime.transaction() as connection:
        [act] = audit.entries(connection, act="person.erase", limit=5)[0]
    assert (act.door, act.subject) == ("console", "person_certificate:1")


def test_the_file_for_a_person_has_the_number_and_is_noted(listed, as_role):
    admin = as_role("admin")
    where = looked_up(admin)
    assert admin.post(f"{where}/export", data={"reason": ""}).status_code == 422
    answer = admin.post(f"{where}/export", data={"reason": "letter"})
    assert "person.json" in answer.headers["content-disposition"]
    assert answer.json()["number"] == PHONE
    assert list(answer.json()["tables"]) == ["do_not_call"]


def test_an_operator_neither_sees_the_acts_nor_may_do_them(listed, as_role):
    operator = as_role("operator")
    where = looked_up(operator)
    assert f"{where}/erase" not in operator.get(where).text
    assert operator.get(f"{where}/erase").status_code == 403
    assert operator.post(f"{where}/export", data={"reason": "x"}).status_code == 403


def test_the_api_does_the_same(listed):
    with listed.client("admin") as admin:
        body = {"phone": f"+86 {PHONE}"}
        seen = admin.post("/api/v1/persons/preview", json=body).json()["data"]
        assert seen["rows"] == {"do_not_call": 1}
        wish = {**body, "reason": "letter"}
        assert admin.post("/api/v1/persons/export", json=wish).json()["data"]["number"] == PHONE
        made = admin.post("/api/v1/persons/erase", json=wish).json()["data"]
        assert admin.get("/api/v1/persons/certificates/1").json()["data"] == made
        assert admin.get("/api/v1/persons/certificates").json()["data"] == [made]
        assert admin.get("/api/v1/persons/certificates/7").status_code == 404


def test_every_place_and_what_is_kept_is_said_in_chinese():
    said = catalogue()
    sentences = [place.what for place in PLACES] + [sentence for pair in KEPT for sentence in pair]
    assert [one for one in sentences if said.say(one, "zh") == one] == []
