"""`/telephony/quality`: a sample is drawn once, its calls are listed for review, and each tenant sees its own."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.cli.main import main
from calling_pipeline_tests.console.telephony import PROBES, csrf, number_of, visitor
from calling_pipeline_tests.telephony.past_calls import past_calls, tenants

DRAW = "/telephony/quality/draw"


@pytest.fixture
def calls(console):
    """A week of calls of tenants 1 and 2."""
    with console.runtime.transaction() as connection:
        tenants(connection)
        connection.exec_driver_sql("UPDATE collectors SET name = %(name)s WHERE id = 2", {"name": PROBES[0]})
        return past_calls(connection)


def form(page, **changes):
    last = days.today() - dt.timedelta(days=1)
    first = last - dt.timedelta(days=5)
    fields = {"tenant_id": "1", "first": str(first), "last": str(last), "per_collector": "3", "second_pct": "0", "seed": "5"}
    return {"csrf_token": proof(page), **fields, **changes}


def proof(page):
    """Of a person who is logged in; a token needs none."""
    return csrf(page) if 'name="csrf_token" value=""' not in page.text else ""


def test_a_sample_is_drawn_reviewed_and_judged_on_pages(console, calls, as_role):
    operator = as_role("operator")
    page = operator.post(DRAW, data=form(operator.get(DRAW)), follow_redirects=True)
    assert (number_of(page, "sampled"), number_of(page, "reviewed"), number_of(page, "seconds")) == (12, 0, 0)
    assert PROBES[0] not in page.text
    assert str(page.url).endswith("/telephony/quality/1")
    call = re.search(r"/telephony/calls/(\d+)", page.text)[1]
    note = operator.get(f"/telephony/calls/{call}")
    operator.post(f"/telephony/calls/{call}/notes", data={"csrf_token": proof(note), "score": "4", "remark": ""})
    assert number_of(operator.get("/telephony/quality/1"), "reviewed") == 1
    again = operator.post(DRAW, data=form(page), follow_redirects=True)
    assert str(again.url).endswith("/telephony/quality/1")
    assert number_of(again, "reviewed") == 1
    assert f'/telephony/calls/{call}"' not in operator.get("/telephony/quality/1?waiting=1").text
    scores = re.search(r'href="(/analysis/call_quality[^"]+)"', again.text)[1].replace("&amp;", "&")
    assert 'data-testid="figure-score">4<' in operator.get(scores).text
    assert operator.get("/telephony/quality/1?form=csv").text.count("\n") == 13
    with console.runtime.transaction() as connection:
        acts = connection.exec_driver_sql("SELECT door FROM audit_log WHERE act = 'sample.draw'").scalars().all()
    assert acts == ["console"]


WRONG = (("per_collector", "0"), ("per_collector", "x"), ("last", "2999-01-01"), ("seed", "-1"), ("first", "x"))


def test_what_cannot_be_drawn_is_said_in_the_form(calls, as_role):
    operator = as_role("operator")
    for field, value in WRONG:
        answer = operator.post(DRAW, data=form(operator.get(DRAW), **{field: value}))
        assert answer.status_code in (400, 422), field
    assert operator.get("/telephony/quality/1").status_code == 404


def test_a_tenant_sees_its_own_samples_alone(console, calls, as_role):
    operator = as_role("operator")
    operator.post(DRAW, data=form(operator.get(DRAW)))
    with visitor(console, "of 2", "operator", tenant_id=2) as of_2:
        assert of_2.get("/telephony/quality/1").status_code == 404
        assert 'href="/telephony/quality/1"' not in of_2.get("/telephony/quality").text
        assert of_2.post(DRAW, data=form(of_2.get(DRAW))).status_code == 403
        assert of_2.get("/analysis/call_quality?sample=1").status_code == 404
        mine = of_2.post(DRAW, data=form(of_2.get(DRAW), tenant_id=""), follow_redirects=True)
        assert str(mine.url).endswith("/telephony/quality/2")
    with visitor(console, "looks", "viewer", tenant_id=1) as viewer:
        assert viewer.get("/telephony/quality").status_code == 403


def test_the_command_draws_the_same_sample_as_the_page(console, calls, as_role, monkeypatch):
    operator = as_role("operator")
    fields = form(operator.get(DRAW))
    operator.post(DRAW, data=fields)
    settings = console.runtime.settings
    monkeypatch.setenv("CALLING_HOME", str(settings.home))
    monkeypatch.setenv("CALLING_DATABASE_URL", settings.database_url.get_secret_value())

    def command(*arguments):
        return json.loads(CliRunner().invoke(main, ["telephony", "quality", *arguments, "--json"]).stdout)

    said = ["--tenant", "1", "--from", fields["first"], "--to", fields["last"], "--per-collector", "3", "--second", "0"]
    assert command("sample", *said, "--seed", "5")["id"] == 1
    assert [one["id"] for one in command("samples")] == [1]
    listed = command("calls", "1", "--waiting")
    assert (listed["sample"]["calls"], len(listed["calls"])) == (12, 12)


def test_the_api_draws_the_same_sample_for_the_same_wish_and_lists_what_waits(calls, as_role):
    last = days.today() - dt.timedelta(days=1)
    wish = {"tenant_id": 1, "from": str(last - dt.timedelta(days=5)), "to": str(last), "per_collector": 3, "second_pct": 0}
    samples, operator = "/api/v1/infinity/quality/samples", as_role("operator")
    assert as_role("viewer").post(samples, json=wish).status_code == 403
    drawn = [operator.post(samples, json=wish).json()["data"] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert operator.post(samples, json=wish | {"to": str(days.today())}).status_code == 422
    assert operator.get(samples).json()["data"]["total"] == 1
    waiting = operator.get(f"{samples}/{drawn[0]['id']}/calls?waiting=true&limit=5").json()["data"]
    assert (waiting["total"], len(waiting["items"])) == (drawn[0]["calls"], 5)
    assert all("****" in one["destination_masked"] for one in waiting["items"])
