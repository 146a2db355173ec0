"""Redial rules, land lines and row keys by command line and API, and what people are shown of them."""

from __future__ import annotations

import json

import httpx
import pytest
import sqlalchemy as sa

from calling_pipeline.api.app import create_app
from calling_pipeline.call_batches.calling_tasks.redials.records import RedialRule
from calling_pipeline.call_batches.calling_tasks.redials.rules import documents_of, rules_from, text_of
from calling_pipeline.errors import InvalidInput
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_batches.desk import ALL_DAY, MAPPING, phone
from calling_pipeline_tests.call_batches.test_doors import MAPPED, run  # noqa: F401  # the fixture
from calling_pipeline_tests.call_batches.test_redials import ended
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

RULES = ["not_connected,after=4h,at-most=3", "short_talk,below=10s,after=30m,at-most=1"]


def test_a_rule_reads_the_same_as_text_and_as_document():
    rules = rules_from(list(reversed(RULES)))
    assert rules == (RedialRule("not_connected", 4, 3), RedialRule("short_talk", 0.5, 1, 10))
    assert list(map(text_of, rules)) == RULES
    assert rules_from(documents_of(rules)) == rules


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("waiting,after=4h,at-most=1", "nobody knows whether the person was reached"),
        ("no_record,after=4h,at-most=1", "nobody knows whether the person was reached"),
        ("connected,after=4h,at-most=1", "a person who was reached is not redialled"),
        ("not_connected,after=4,at-most=1", "is a span such as"),
        ("not_connected,after=4h", "at-most of a redial rule must be from 1 to 20"),
        ("not_connected,after=4h,at-most=21", "from 1 to 20"),
        ("not_connected,after=400d,at-most=1", "after of a redial rule must be from 1m to 365d"),
        ("short_talk,after=4h,at-most=1", "needs below"),
        ("busy,below=3s,after=4h,at-most=1", "others have none"),
        ("never,after=4h,at-most=1", "is about one of"),
        ({"result": "busy", "after_hours": True, "at_most": 1}, "after of a redial rule"),
        ({"result": "busy", "after_hours": 4, "at_most": 1, "more": 1}, "has the keys"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_is_wrong(rule, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        rules_from([rule])
    assert refused.value.field == "redial"


def test_two_rules_of_one_result_are_refused():
    with pytest.raises(InvalidInput, match="two redial rules of busy"):
        rules_from(["busy,after=4h,at-most=1", "busy,after=5h,at-most=1"])


def test_rules_are_given_and_taken_away_by_the_command_line_and_shown_with_rows_and_reasons(run, desk):  # noqa: F811
    desk.work_orders([phone(1), phone(2)])
    words = ["--redial", RULES[0], "--redial", RULES[1], "--land-lines", "--row-key", "staff"]
    added = run(
        "calls", "task", "add", "new orders", "--cron", "0 0 9 * * ?", *MAPPED, "--policy", json.dumps(ALL_DAY), *words
    )
    assert added["redial"] == documents_of(rules_from(RULES))
    assert (added["land_lines"], added["row_key"]) == (True, "staff")
    first = desk.run()
    ended(desk, phone(1), "not_connected")
    ended(desk, phone(2), "not_connected")
    with desk.engine.begin() as connection:
        for moved in ("call_history SET last_called_at", "contact_attempts SET at", "call_results SET called_at"):
            earlier = sa.text(f"UPDATE {moved} = now() - interval '5 hours' WHERE phone = :p")
            connection.execute(earlier, {"p": phone(1)})
    assert run("calls", "why", phone(1))["redial"]["reason"] is None
    soon = run("calls", "why", phone(2))["redial"]
    assert (soon["task"], soon["rule"], soon["reason"]) == ("new orders", "not_connected", "redial_too_soon")
    card = run("calls", "preview", "--task", "new orders")
    assert card["redials"] == [{"result": "not_connected", "said": "the last call was not connected", "rows": 1}]
    assert [line["reason"] for line in card["left_out"]] == ["redial_too_soon"]
    batch = desk.plan()
    again, late = run("calls", "rows", str(batch.id))
    assert (again["redial"], again["row_key"]) == ("not_connected", "staff 0")
    before = run("calls", "rows", str(first.id))
    assert again["redial_of"] == before[0]["call_id"]
    assert (late["redial"], late["redial_of"], late["reason"]) == ("not_connected", None, "redial_too_soon")
    edited = run("calls", "task", "edit", "new orders", "--redial", "none", "--no-land-lines", "--clear", "row_key")
    assert (edited["redial"], edited["land_lines"], edited["row_key"]) == ([], False, None)
    kept = desk.rows("SELECT before, after FROM audit_log WHERE act = 'task.edit' ORDER BY id DESC LIMIT 1")[0]
    assert kept.before["redial"] == added["redial"]
    assert kept.after == {"redial": [], "land_lines": False, "row_key": None}


def test_rules_are_given_by_the_api_which_names_the_field_that_is_wrong(desk):
    desk.work_orders([phone(1)])
    runtime = Runtime(desk.settings.model_copy(update={"api_tokens": {"op": TokenGrant(role="operator")}}))
    body = {"name": "new orders", "cron": "0 0 9 * * ?", **MAPPING, "policy": ALL_DAY, "row_key": "staff",
            "land_lines": True, "redial": [{"result": "busy", "after_hours": 0.5, "at_most": 1}]}  # fmt: skip
    with (
        served(create_app(runtime)) as base_url,
        httpx.Client(base_url=base_url, headers={"Authorization": "Bearer op"}, timeout=LIMIT_S) as client,
    ):
        wrong = [{"result": "busy", "after_hours": 0, "at_most": 1}]
        refused = client.post("/api/v1/calls/tasks", json={**body, "redial": wrong})
        assert refused.status_code == 422
        assert "after of a redial rule must be from 1m to 365d" in refused.text
        added = client.post("/api/v1/calls/tasks", json=body).json()["data"]
        assert (added["redial"], added["land_lines"], added["row_key"]) == (body["redial"], True, "staff")
        edited = client.patch("/api/v1/calls/tasks/new orders", json={"redial": [], "row_key": None}).json()["data"]
        assert (edited["redial"], edited["land_lines"], edited["row_key"]) == ([], True, None)
    runtime.close()
