"""Reports in a browser: a whole report is accessible and fits; it is made by hand and an older revision is chosen."""

import datetime as dt

import pytest
from playwright.sync_api import expect

from calling_pipeline.reports import periods
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.reports.support import SUNDAY, at, hold_day, make, put_day
from calling_pipeline_tests.support import nightly, some

PROBE = '=cmd()<script>document.title="hacked"</script>\u202e{{7*7}}\U0001f600' + "长" * 100
WEEK = periods.containing("weekly", SUNDAY)
MONDAY = SUNDAY + dt.timedelta(days=1)


@pytest.fixture
def made(console):
    """A daily report with two revisions and a partial weekly one, with names of somebody who means harm."""
    engine = console.runtime.engine
    with engine.begin() as connection:
        for place, day in enumerate(WEEK.days):
            put_day(connection, day, calls=900 + 70 * place, connected=300 + 31 * place, agents=("a1", "a2", PROBE))
    make(engine, SUNDAY, agent_names={"a1": PROBE})
    with engine.begin() as connection:
        put_day(
            connection, SUNDAY, calls=1400, connected=500, grade_9=9, read_at=at(MONDAY, 10, 20), agents=("a1", "a2", PROBE)
        )
        hold_day(connection, SUNDAY - dt.timedelta(days=1))
    make(engine, SUNDAY, now=at(MONDAY, 10, 30), agent_names={"a1": PROBE})
    make(engine, WEEK, now=at(MONDAY, 10, 30))


@nightly
@pytest.mark.parametrize(("language", "scheme", "width"), some(("zh", "light", 375), ("en", "dark", 1280)))
def test_history_and_reports_are_accessible_and_fit_in_both_languages(log_in, made, language, scheme, width):
    page = log_in("operator", language=language, color_scheme=scheme, viewport={"width": width, "height": 800})
    for address in ("/reports", "/reports/daily/2026-11-29", "/reports/weekly/2026-W48", "/reports/make"):
        page.goto(address)
        assert axe(page) == [], address
        assert overflow(page) == [], address
        assert "hacked" not in page.title()


def test_an_older_revision_is_chosen_and_the_report_is_made_again_by_hand(log_in, made):
    page = log_in("operator")
    page.goto("/reports/daily/2026-11-29")
    expect(page.get_by_test_id("figure-summary-grade_9")).to_have_text("9")
    page.get_by_test_id("revisions").get_by_label("Revision").select_option("1")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_test_id("figure-summary-grade_9")).to_have_text("5")
    page.get_by_test_id("make").click()
    page.get_by_role("textbox", name="Reason").fill("the board asks")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("evision")
