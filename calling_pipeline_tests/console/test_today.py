"""The first look of the day as a page: numbers beside the week before, what needs a person and where it is mended."""

import datetime as dt
import re
from dataclasses import replace

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.analysis.dagster_storage.records import DagsterState
from calling_pipeline.analysis.status.judging import judge
from calling_pipeline.analysis.status.records import DayState, OpenAlert, PoolUse
from calling_pipeline.console.app import create_server
from calling_pipeline.console.pages.today.shown import Number, first_look, place_of
from calling_pipeline.console.rendering import Renderer
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.analysis.test_status import BATCH, DAY, FAILED_RUN, FAST, LATE, NOW, SILENT, WELL
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

OUTSIDE = """<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}"""


def text_of(page, testid):
    """The text of the element, without its tags."""
    found = re.search(rf'data-testid="{testid}"[^>]*>(.*?)</(?:span|p|dd|h2)>', page, re.DOTALL)
    assert found, testid
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


def alert(connection, name, title="a thing", text="what is wrong", **more):
    one = Condition(name, True, "error", title, text, "call_batches", conditions.moment(), **more)
    conditions.observe(connection, one)


@pytest.mark.parametrize(
    ("change", "href"),
    [
        ({"syncs": (LATE,)}, f"/stats?date={DAY}"),
        ({"days": (DayState(DAY, "task", "missing"),)}, f"/stats?date={DAY}"),
        ({"vendor": (replace(FAST, page_s=5.0),)}, f"/stats?date={FAST.date}"),
        ({"alerts": (OpenAlert(7, "check:a", "error", NOW, "a check"),)}, "/alerts"),
        ({"batches": (replace(BATCH, state="paused"),)}, f"/batches/{BATCH.id}"),
        ({"batches": (replace(BATCH, unknown=2),)}, f"/batches/{BATCH.id}"),
        ({"messages": {"contracts": {"unknown": 2}}}, "/notifications/contracts/messages?state=unknown"),
        ({"messages": {"technicians": {"dead": 1}}}, "/notifications/technicians/messages?state=dead"),
        ({"extensions": PoolUse(10, 9, 1, 0, 0)}, "/telephony"),
        ({"dagster": DagsterState(None, SILENT, schedule_runs=(FAILED_RUN,))}, ""),
    ],
)
def test_each_thing_that_needs_a_person_leads_to_the_page_where_it_is_mended(change, href):
    found = judge(replace(WELL, **change))
    assert {place_of(one) for one in found.problems} == {href}


@pytest.mark.parametrize(
    ("value", "before", "trend", "tone"),
    [
        (110, 100, "more", ""),
        (90, 100, "fewer", ""),
        (80, 100, "fewer", "warn"),
        (100, 100, "same", ""),
        (5, 0, "unknown", ""),
        (5, None, "unknown", ""),
        (None, 5, "unknown", ""),
    ],
)
def test_a_number_says_how_it_changed_and_a_large_fall_is_marked(value, before, trend, tone):
    number = Number("calls", value, before)
    assert (number.trend, number.tone) == (trend, tone)


def test_of_many_open_alerts_the_newest_stand_on_the_page_and_the_rest_are_counted():
    many = tuple(OpenAlert(n, f"batch_unknown:{n}", "error", NOW, f"batch {n}") for n in range(9))
    look = first_look(judge(replace(WELL, alerts=many)))
    assert [one.href for one in look.alerts] == [f"/alerts/{n}" for n in range(5)]
    assert look.more_alerts == 4
    assert "ask the gateway" in look.alerts[0].advice


def test_yesterday_and_today_stand_beside_the_same_weekday_of_the_week_before(console, as_role):
    yesterday = days.today() - dt.timedelta(days=1)
    for day in (yesterday, yesterday - dt.timedelta(days=7)):
        as_role("operator").post("/api/stats/grade-stats/refresh", json={"date": f"{day}"}).raise_for_status()
    status = as_role("viewer").get("/api/v1/status").json()["data"]["numbers"][0]
    page = as_role("viewer").get("/").text
    for key in ("calls", "connected", "grade_9", "grade_1"):
        assert text_of(page, f"yesterday-{key}") == f"{status[key]:,}"
        assert f"({status[f'{key}_before']:,})" in text_of(page, f"yesterday-{key}-change")
    assert text_of(page, "today-calls") == "–"
    assert "无可比数据" in text_of(page, "today-calls-change")


def test_the_page_says_what_is_wrong_and_what_to_do_and_shows_texts_from_outside_as_texts(console, as_role):
    with console.runtime.transaction() as connection:
        alert(connection, "batch_unknown:3", title=f"every call of {OUTSIDE} has a known outcome")
    page = as_role("viewer").get("/").text
    assert text_of(page, "alerts-open") == "1"
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "49" not in re.findall(r"every call of .*? has", page)[0]
    assert 'href="/alerts/1"' in page


def test_a_page_where_nothing_needs_a_person_says_so(console_runtime):
    renderer = Renderer(console_runtime.settings)
    shown = renderer.render(
        "today/live.html", "en", {"may": lambda *_: True, "look": first_look(judge(WELL)), "sparks": {}, "now": NOW}
    )
    assert "All is well: nothing needs a person." in shown
    assert "needs-count" not in shown


def test_the_live_part_is_the_page_without_its_frame(as_role):
    whole, part = as_role("viewer").get("/").text, as_role("viewer").get("/today/live").text
    assert part.lstrip().startswith('<div id="today"')
    assert "<html" not in part
    ids = re.findall(r'data-testid="([\w-]+)"', part)
    assert {"needs", "yesterday-calls", "today-grade_9", "syncs", "alerts-open"} <= {*ids}
    assert {*ids} <= {*re.findall(r'data-testid="([\w-]+)"', whole)}


def test_whoever_may_not_see_it_is_led_to_the_first_page_of_their_menu(console_runtime):
    grants = {
        "collector": TokenGrant(role="collector", tenant=1, collector=1),
        "bound": TokenGrant(role="operator", tenant=1),
        "granted": TokenGrant(role="viewer", tenant=1, grants=["status"]),
        "nobody": TokenGrant(role="viewer", tenant=1, collector=1),
    }
    runtime = Runtime(console_runtime.settings.model_copy(update={"api_tokens": grants}))
    with served(create_server(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:

        def opened(token):
            return client.get("/", headers={"Authorization": f"Bearer {token}"})

        assert opened("collector").headers["location"] == "/desk"
        assert opened("bound").headers["location"] == "/desk"
        assert opened("granted").status_code == 200
        assert "还没有可以打开的页面" in opened("nobody").text
