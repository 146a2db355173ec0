"""The pages of statistics in a real browser: a held day to its published numbers, a refresh to what it changed, charts."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from calling_pipeline_tests.browser.looking import axe, overflow, screenshot
from calling_pipeline_tests.support import http, nightly, some, yesterday

CALLS = "/task/cdr/all2"
PHONE = {"viewport": {"width": 375, "height": 800}}


def spoil(simulator):
    simulator.plant("unknown_grades", path=CALLS, times=None, rows=400, text="九元")


def test_a_fault_makes_a_day_held_and_publishing_it_by_name_changes_the_trend(sync, simulator, log_in):
    before = sync("grade")[0].stats
    spoil(simulator)
    page = log_in("operator")
    page.goto("/stats?date=yesterday")
    page.get_by_test_id("refresh-button-grade").click()
    expect(page.get_by_test_id("refresh-result-grade")).to_contain_text("is held")
    expect(page.get_by_test_id("standing-grade")).to_have_text("held")
    expect(page.get_by_test_id("grade_9")).to_have_text(f"{before.grade_9:,}")
    page.goto("/stats?last=7")
    expect(page.get_by_test_id("trend-orders").locator(".mark.held").first).to_be_visible()
    page.get_by_text("The numbers", exact=True).first.click()
    row = page.get_by_test_id(f"day-{yesterday()}")
    expect(row).to_contain_text(f"{before.total_success:,}")
    page.goto("/stats/held")
    aside = page.locator("[data-testid^=held-numbers] tr", has_text="9-yuan orders").locator("td").nth(1).inner_text()
    page.locator("[data-testid^=publish-]").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("replace the published ones")
    dialog.get_by_label("Reason").fill("the vendor confirms it")
    dialog.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("are published")
    expect(page.get_by_test_id("grade_9")).to_have_text(aside)
    expect(page.get_by_test_id("changes")).to_contain_text("the vendor confirms it")
    page.goto("/stats?last=7")
    page.get_by_text("The numbers", exact=True).first.click()
    expect(page.get_by_test_id(f"day-{yesterday()}")).not_to_contain_text("held")
    expect(page.get_by_test_id(f"day-{yesterday()}")).to_contain_text(aside)


def test_a_refresh_shows_its_progress_and_then_what_changed(sync, simulator, log_in):
    before = sync("grade")[0].stats
    body = {"date": yesterday().isoformat(), "grade": "9元", "order": 9, "rows": 50}
    http.post(f"{simulator.url}/guanke/_sim/correct", json=body).raise_for_status()
    simulator.plant("hang", path="page=2&", times=None, seconds=60)
    page = log_in("operator")
    page.goto("/stats?date=yesterday")
    page.get_by_test_id("refresh-button-grade").click()
    expect(page.get_by_test_id("refresh-running-grade")).to_contain_text("page 1 of 2")
    expect(page.get_by_test_id("refresh-button-grade")).to_have_count(0)
    simulator.clear_faults()
    changes = page.get_by_test_id("refresh-changes-grade")
    expect(changes).to_contain_text(f"9-yuan orders: {before.grade_9:,} →")
    expect(page.get_by_test_id("grade_9")).not_to_have_text(f"{before.grade_9:,}")
    expect(page.get_by_test_id("refresh-button-grade")).to_be_visible()


def test_what_is_open_stays_open_while_a_refresh_runs(sync, simulator, log_in):
    sync("grade")
    simulator.plant("hang", path="page=2&", times=None, seconds=60)
    page = log_in("operator")
    page.goto("/stats?date=yesterday")
    page.get_by_test_id("refresh-button-grade").click()
    expect(page.get_by_test_id("refresh-running-grade")).to_be_visible()
    page.get_by_test_id("track-grade").get_by_text("Source and completeness").click()
    heard = page.get_by_test_id("heard").inner_text()
    expect(page.get_by_test_id("heard")).not_to_have_text(heard)
    expect(page.get_by_test_id("reported-grade")).to_be_visible()
    simulator.clear_faults()
    expect(page.get_by_test_id("refresh-unchanged-grade")).to_be_visible()


def test_a_range_of_31_days_with_a_missing_day_shows_a_gap(sync, log_in):
    wanted = [yesterday() - dt.timedelta(days=n) for n in (0, 1, 3, 4)]
    sync("grade", *wanted)
    page = log_in("viewer")
    page.goto("/stats?last=31")
    chart = page.get_by_test_id("trend-orders")
    expect(chart.locator("polyline.line:not(.second, .third, .mean)")).to_have_count(2)
    expect(chart.get_by_role("img", name="Trend of orders")).to_be_visible()
    expect(page.get_by_test_id("known")).to_contain_text("4 of 31 days")
    expect(page.get_by_test_id("days-after")).to_have_count(0)


@nightly
@pytest.mark.parametrize(("scheme", "language"), some(("dark", "en"), ("light", "zh"), ("dark", "zh"), ("light", "en")))
def test_every_page_passes_axe_fits_a_phone_and_keeps_to_the_policy(sync, simulator, log_in, scheme, language):
    sync("task")
    sync("grade", yesterday() - dt.timedelta(days=1), yesterday())
    spoil(simulator)
    sync("grade")
    page = log_in("operator", language=language, color_scheme=scheme, **PHONE)
    for path in (
        "/stats?date=yesterday",
        "/stats?last=31",
        "/stats/agents",
        "/stats/held",
        "/stats/days",
        "/stats/held/1/publish",
    ):
        page.goto(path)
        assert axe(page) == [], path
        assert overflow(page) == [], path
        screenshot(page, f"stats {re.sub(r'[^a-z0-9]+', '-', path)} {language} {scheme}")


def test_labels_of_a_chart_do_not_meet_on_a_phone_or_a_large_screen(sync, log_in):
    sync("grade", *(yesterday() - dt.timedelta(days=n) for n in range(3)))
    for width in (375, 1920):
        page = log_in(f"viewer{width}", "viewer", viewport={"width": width, "height": 900})
        page.goto("/stats?last=31")
        for chart in page.locator("svg.chart").all():
            boxes = [text.bounding_box() for text in chart.locator("text").all() if text.is_visible()]
            for number, one in enumerate(boxes):
                for other in boxes[number + 1 :]:
                    apart = (
                        one["x"] + one["width"] <= other["x"] + 1
                        or other["x"] + other["width"] <= one["x"] + 1
                        or one["y"] + one["height"] <= other["y"] + 3
                        or other["y"] + other["height"] <= one["y"] + 3
                    )
                    assert apart, (width, one, other)


def test_everything_is_done_without_script_too(sync, simulator, console, new_page):
    before = sync("grade")[0].stats
    spoil(simulator)
    sync("grade")
    page = new_page(base_url=console.url, java_script_enabled=False)
    page.goto(console.link("operator", language="en"))
    page.goto("/stats?date=yesterday")
    page.locator("[data-testid^=discard-]").first.click()
    page.get_by_label("Reason").fill("renamed by the vendor")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("are dropped")
    expect(page.get_by_test_id("grade_9")).to_have_text(f"{before.grade_9:,}")


def test_a_range_is_chosen_by_keyboard_and_the_address_can_be_sent(sync, log_in):
    sync("grade", yesterday() - dt.timedelta(days=1), yesterday())
    page = log_in("viewer")
    page.goto("/stats?date=yesterday")
    page.get_by_label("From").fill((yesterday() - dt.timedelta(days=1)).isoformat())
    page.get_by_label("To", exact=True).press("Enter")
    expect(page.get_by_test_id("total-orders")).to_be_visible()
    assert f"from={yesterday() - dt.timedelta(days=1)}&to={yesterday()}" in page.url
    page.get_by_test_id("all-agents").click()
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page).to_have_url(re.compile("sort=calls"))
