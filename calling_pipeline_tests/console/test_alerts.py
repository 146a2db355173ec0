"""Alerts as pages: what is open and what was, one in full with what to do and where, and a test of the channels."""

import datetime as dt

import httpx
import pytest

from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.alerts.texts import KINDS
from calling_pipeline.console.app import create_server
from calling_pipeline.runtime import Runtime
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.alerts.test_alerts import Receiver
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

DAY = dt.date(2026, 11, 20)
RUN = "0f2a4c1e-1111-4222-8333-000000000001"
OUTSIDE = """<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}"""


def observe(console, name, failing=True, event=1, severity="error", title="a title", text="a text", **more):
    """Judge a condition."""
    with console.runtime.transaction() as connection:
        conditions.observe(connection, Condition(name, failing, severity, title, text, "room", event, **more))


@pytest.fixture
def three(console):
    """An open check of a day, an open batch, and a tick that is well again."""
    observe(
        console, f"check:call_records:grades_are_known:{DAY}", severity="warning", title="call_records: grades are known",
        text=f"{DAY}: 40.0% of the calls\nunknown: 800\nrun {RUN}", subject="call_records", day=DAY,
        link="/assets/call_records?view=checks&checkDetail=grades_are_known",
    )  # fmt: skip
    observe(console, "batch_unknown:3", title="every call of batch 3 has a known outcome", subject="batch 3")
    observe(console, "tick:grade_stats_today", title="schedule grade_stats_today", subject="grade_stats_today")
    observe(console, "tick:grade_stats_today", False, 2, title="schedule grade_stats_today", subject="grade_stats_today")


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", 2),
        ("show=all", 3),
        ("show=all&kind=tick", 1),
        ("kind=tick", 0),
        ("severity=warning", 1),
        ("day=2026-11-20", 1),
        ("day=2026-11-21", 0),
        ("text=BATCH 3", 1),
        ("text=40.0%", 1),
        ("text=%", 1),
    ],
)
def test_the_list_shows_what_its_address_asks_for(three, as_role, query, rows):
    page = as_role("viewer").get(f"/alerts?{query}").raise_for_status().text
    assert page.count('href="/alerts/') - page.count('href="/alerts/test"') == rows
    assert ("alerts-empty" in page) is (rows == 0)


def test_the_list_is_ordered_and_paged_as_its_address_says(three, as_role):
    viewer = as_role("viewer")
    for order, first in (("severity", 2), ("-severity", 1), ("since", 1), ("-since", 2)):
        page = viewer.get(f"/alerts?sort={order}&per=1").text
        assert f'href="/alerts/{first}"' in page, order
        assert 'rel="next"' in page
    assert viewer.get("/alerts?sort=nothing").status_code == 422


def test_the_export_holds_what_is_filtered_in_the_reader_s_language(three, as_role):
    csv = as_role("viewer").get("/alerts?show=all&form=csv").text
    assert len(csv.splitlines()) == 4
    assert "已关闭" in csv
    assert len(as_role("viewer").get("/alerts?kind=check&form=csv").text.splitlines()) == 2


@pytest.mark.parametrize("query", ["severity=loud", "day=yesterday", "day=2026-13-01"])
def test_a_filter_that_means_nothing_is_refused_in_a_sentence(as_role, query):
    assert as_role("viewer").get(f"/alerts?{query}").status_code == 422


def test_one_alert_says_what_is_wrong_since_when_what_to_do_and_where(three, as_role):
    page = as_role("viewer").get("/alerts/1").text
    assert "40.0%" in page
    assert f'href="/stats?date={DAY}" data-testid="place"' in page
    assert "/assets/call_records?view=checks&amp;checkDetail=grades_are_known" in page
    assert f"/runs/{RUN}" in page
    assert 'data-testid="advice"' in page
    assert 'data-testid="times">1<' in page
    assert page.count("<tr><td") == 1
    assert 'href="/batches/3" data-testid="place"' in as_role("viewer").get("/alerts/2").text


def test_one_that_is_well_again_says_until_when_and_gives_no_advice(three, as_role):
    page = as_role("viewer").get("/alerts/3").text
    assert 'data-testid="until"' in page
    assert 'data-testid="advice"' not in page


def test_one_that_is_not_there_is_not_found(as_role):
    assert as_role("viewer").get("/alerts/77").status_code == 404


def test_texts_from_outside_stay_texts(console, as_role):
    observe(console, "batch_stopped:1", title=OUTSIDE, text=OUTSIDE + "\nand `" + OUTSIDE + "`", subject=OUTSIDE)
    for path in ("/alerts", "/alerts/1", "/", "/alerts?text=%22%3E%3Cimg"):
        page = as_role("viewer").get(path).raise_for_status().text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "{{7*7}}" in page


def test_every_kind_has_a_name():
    assert {f"alerts.kind_{kind}" for kind in KINDS} <= catalogue().keys


def test_a_test_goes_to_every_channel_and_says_which_did_not_take_it(console_runtime):
    receiver = Receiver()
    urls = {"alert_urls": f"{receiver.url} json://127.0.0.1:9/nobody"}
    runtime = Runtime(console_runtime.settings.model_copy(update=urls))
    with served(create_server(runtime)) as url:
        headers = {"Authorization": "Bearer operator-token"}
        with httpx.Client(base_url=url, headers=headers, timeout=LIMIT_S) as operator:
            assert operator.get("/alerts/test").text.count("<li><code>json-") == 2
            answer = operator.post("/alerts/test")
            kept = operator.get("/audit?act=alerts.test").text
    receiver.close()
    assert answer.status_code == 409
    assert "json-" in answer.text
    assert [title for title, _ in receiver.messages] == ["calling_pipeline 测试消息"]
    assert kept.count("alerts:channels") == 1
    runtime.close()


def test_without_a_channel_a_test_says_so(as_role):
    assert "CALLING_ALERT_URLS" in as_role("operator").get("/alerts/test").text
    assert as_role("operator").post("/alerts/test").status_code == 409
    assert as_role("viewer").post("/alerts/test").status_code == 403
