"""The pages of analyses in a browser: days chosen by form, tables sorted, readable on a telephone in both themes."""

import re

import pytest
from playwright.sync_api import expect

from calling_pipeline.analysis.best_time.learning import learn
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.support import nightly, yesterday


@pytest.fixture
def filled(sync):
    sync("grade", yesterday())


def test_a_viewer_opens_the_ranking_chooses_weeks_and_sorts_it(filled, log_in):
    page = log_in("vera", "viewer")
    page.goto("/analysis")
    page.get_by_test_id("analysis-agents").click()
    page.get_by_label("Ranking of").select_option("week")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("by=week"))
    table = page.get_by_test_id("agents-agents")
    expect(table.locator("caption")).to_have_text("Agents")
    expect(page.get_by_test_id("figure-calls")).not_to_have_text("0")
    table.get_by_role("link", name="Order rate").click()
    expect(table.get_by_role("columnheader", name="Order rate")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_label("Ranking of")).to_have_value("week")
    assert axe(page) == []
    assert overflow(page) == []


@nightly
def test_charts_and_notes_fit_a_telephone_in_the_dark(filled, log_in):
    page = log_in("wei", "viewer", language="zh", viewport={"width": 375, "height": 700}, color_scheme="dark")
    page.goto("/analysis/weekday_hours")
    expect(page.get_by_test_id("notes")).to_contain_text("明细统计")
    expect(page.locator(".chart-box svg").first).to_be_visible()
    assert axe(page) == []
    assert overflow(page) == []


def test_the_best_time_and_the_forecast_and_the_samples_are_accessible_and_fit_a_telephone(filled, console, log_in):
    with console.runtime.transaction() as connection:
        connection.exec_driver_sql("CREATE SCHEMA crm")
        connection.exec_driver_sql("CREATE TABLE crm.orders (mobile text)")
        task = {
            "name": "orders",
            "cron": "0 9 * * *",
            "source_schema": "crm",
            "source_table": "orders",
            "mobile_phone": "mobile",
        }
        editing.add(connection, {**task, "best_time": {"goal": "connected", "explore": 0.2}})
        learn(connection)
    page = log_in("olga", "operator", language="zh", viewport={"width": 375, "height": 700}, color_scheme="dark")
    for address, shows in (
        ("/analysis/best_time?task=orders", "最佳拨打时间"),
        ("/analysis/forecast", "明日预测"),
        ("/telephony/quality", "质检"),
    ):
        page.goto(address)
        expect(page.locator("h1")).to_have_text(shows)
        assert axe(page) == [], address
        assert overflow(page) == [], address
