"""The page of the audit log: words for acts and doors, links to subjects, reasons; an export has the log's own words."""

import re

import pytest

from calling_pipeline.access.audit.door import through
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.console import subjects
from calling_pipeline.console.app import create_pages

SUBJECTS = {
    "batch:17": "/batches/17",
    "calling_task:夜间": "/batches/tasks",
    "person:Li Wei": "/people?name=Li%20Wei",
    "task:batch:17": "/ledger/task?id=batch:17",
    "do_not_call_source:a&b": "/policy/do-not-call?state=all&amp;source=a%26b",
    "holiday:2026-10-01": "/policy/calendar?month=2026-10",
    "config:3": "/telephony/configurations/3",
    "collector:7": "/telephony/collectors/2/7",
    "desk:2/7": "/telephony/collectors/2/7",
    "kept_callback:9": "/telephony/callbacks/9",
}


@pytest.fixture
def noted(console):
    with console.runtime.transaction() as connection, through("command line"):
        for subject in (*SUBJECTS, "something:else", "batch"):
            note_act(connection, "batch.pause", subject, by="li", tenant_id=2, reason="因为<b>")
        note_act(connection, "nobody.knows", "schema:1", by="li")


def test_acts_and_doors_have_words_and_an_act_that_nobody_named_stands_as_it_is(noted, as_role):
    page = as_role("admin").get("/audit").text
    assert "<td>暂停批次</td>" in page.replace('<td class="">', "<td>")
    assert "命令行" in page
    assert "nobody.knows" in page
    assert "因为&lt;b&gt;" in page
    assert '<option value="batch.pause">暂停批次</option>' in page
    csv = as_role("admin").get("/audit?form=csv").text
    assert "batch.pause" in csv
    assert "command line" in csv


def test_subjects_lead_to_their_pages_and_only_to_those_that_one_may_open(noted, as_role):
    page = as_role("admin").get("/audit").text
    for subject, address in SUBJECTS.items():
        assert f'<a href="{address}">{subject.replace("&", "&amp;")}</a>' in page
    assert ">something:else</a>" not in page
    assert ">person:Li Wei</a>" not in as_role("operator").get("/audit").text, "people are an admin's"


def test_every_page_of_a_subject_exists(console_runtime):
    paths = create_pages(console_runtime).openapi()["paths"]
    served = {path.split("/")[1] for path in paths}
    routes = {page.route for page in subjects._PAGES.values() if page.route.split("/")[1] in served}
    assert routes - paths.keys() == set()
    assert "/batches/{batch_id}" in routes


def test_acts_are_found_by_a_text_within_their_reason(noted, as_role):
    operator = as_role("operator")
    assert "共 12 行" in operator.get("/audit?reason=*").text
    assert "共 12 行" in operator.get("/audit?reason=因为").text
    assert "还没有记录" in operator.get("/audit?reason=没有").text
    assert re.search(r'id="reason" name="reason" value="因为"', operator.get("/audit?reason=因为").text)
