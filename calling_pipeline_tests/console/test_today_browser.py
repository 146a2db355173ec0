"""The first look and the alerts in a browser: what refreshes itself, what leads where, also by keyboard."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline_tests.browser.looking import axe, overflow, tab_stops
from calling_pipeline_tests.support import LIMIT_S, nightly, some

PATIENT = LIMIT_S * 1000


@pytest.fixture
def wrong(console):
    """`wrong("batch 3")`: something is wrong with a batch."""

    def observe(subject, title="every call of batch 3 has a known outcome", text="2 calls of batch 3 may have been made"):
        one = Condition(f"batch_unknown:{subject}", True, "error", title, text, "room", conditions.moment(), subject)
        with console.runtime.transaction() as connection:
            conditions.observe(connection, one)

    return observe


def test_a_new_alert_appears_on_the_first_page_by_itself(log_in, wrong):
    page = log_in("viewer")
    expect(page.get_by_test_id("alerts-open")).to_have_text("0")
    wrong("batch 3")
    expect(page.get_by_test_id("alerts-open")).to_have_text("1", timeout=PATIENT)
    expect(page.get_by_test_id("need-alerts")).to_contain_text("1 alerts are open")
    expect(page.get_by_test_id("heard")).to_contain_text("as of")


@nightly
def test_what_is_unfolded_and_focused_stays_so_while_the_page_refreshes_itself(log_in, wrong):
    page = log_in("viewer")
    link = page.get_by_role("link", name="See the alerts").or_(page.get_by_role("link", name="Open the day")).first
    link.focus()
    wrong("batch 4")
    expect(page.get_by_test_id("alerts-open")).to_have_text("1", timeout=PATIENT)
    expect(link).to_be_focused()


def test_a_page_that_is_looked_at_again_asks_at_once(log_in):
    """With its clock stopped nothing else makes the page ask."""
    page = log_in("viewer")
    page.clock.install()
    page.goto("/")
    page.clock.pause_at(days.now() + dt.timedelta(hours=1))
    with page.expect_request("**/today/live"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_alert_leads_from_the_first_page_to_what_is_wrong_and_what_to_do(log_in, wrong):
    wrong("batch 3")
    page = log_in("viewer")
    page.get_by_role("link", name="every call of batch 3").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Failing: every call of batch 3 has a known outcome")
    expect(page.get_by_test_id("advice")).to_contain_text("ask the gateway which were made")
    expect(page.get_by_test_id("place")).to_have_attribute("href", "/batches/3")
    page.go_back(wait_until="commit")
    expect(page.get_by_test_id("needs")).to_be_visible()


def test_the_list_of_alerts_is_filtered_and_sorted_by_its_form_and_heads(log_in, wrong):
    for number in (3, 4, 5):
        wrong(f"batch {number}", title=f"every call of batch {number} has a known outcome")
    page = log_in("viewer")
    page.goto("/alerts")
    page.get_by_label("Contains").fill("batch 4")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"text=batch\+4"))
    expect(page.get_by_test_id("alerts-range")).to_have_text("Rows 1 to 1 of 1")
    page.get_by_role("link", name="Clear").click()
    expect(page).to_have_url(re.compile("/alerts$"))
    page.get_by_role("link", name="Since").click()
    expect(page.locator("tbody tr").first).to_contain_text("batch 3")
    page.get_by_role("link", name="Since").click()
    expect(page.locator("tbody tr").first).to_contain_text("batch 5")


def test_a_test_of_the_channels_asks_in_a_dialog_and_says_when_there_is_none(log_in):
    page = log_in("operator")
    page.goto("/alerts")
    page.get_by_test_id("test-channels").click()
    expect(page.get_by_role("dialog")).to_contain_text("There is no channel yet")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_first_thing_that_needs_a_person_is_reached_by_keyboard(log_in, wrong):
    wrong("batch 3")
    page = log_in("viewer")
    stops = tab_stops(page, until='[data-testid="need-alerts"] .do a')
    assert all(stop.visible for stop in stops)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/alerts$"), timeout=PATIENT)


def test_the_pages_say_the_same_without_script(console, new_page, wrong):
    wrong("batch 3")
    page = new_page(base_url=console.url, java_script_enabled=False)
    page.goto(console.link("viewer", language="en"))
    page.locator("#go-on").click()
    expect(page.get_by_test_id("alerts-open")).to_have_text("1")
    page.goto("/alerts?kind=batch_unknown&show=all")
    expect(page.get_by_test_id("alerts-range")).to_contain_text("1")


def test_text_from_outside_is_shown_and_does_nothing(log_in, wrong):
    wrong("batch 3", title="""<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}""", text="<b>bold</b>")
    page = log_in("viewer")
    expect(page.get_by_text("onerror=alert(1)>{{7*7}}").first).to_be_visible()
    page.goto("/alerts/1")
    expect(page.get_by_test_id("text")).to_contain_text("<b>bold</b>")


@nightly
@pytest.mark.parametrize("language", some("zh", "en"))
@pytest.mark.parametrize(("width", "theme"), some((1920, "dark"), (375, "dark"), (1280, "light")))
def test_the_pages_fit_and_are_accessible(log_in, wrong, language, width, theme):
    wrong("batch 3")
    page = log_in("operator", language=language, viewport={"width": width, "height": 900}, color_scheme=theme)
    for path in ("/", "/alerts", "/alerts?kind=process", "/alerts/1", "/alerts/test"):
        page.goto(path)
        assert axe(page) == [], path
        assert overflow(page) == [], path
