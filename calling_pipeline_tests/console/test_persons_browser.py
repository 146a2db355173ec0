"""In a browser: an alert leads to its runbook; an admin erases a person by the form and reads the certificate."""

from playwright.sync_api import expect

from calling_pipeline.console.views import LANGUAGE_COOKIE
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline_tests.browser.looking import axe, overflow, screenshot
from calling_pipeline_tests.console.test_alerts import observe


def test_an_alert_leads_to_its_runbook_which_leads_on(console, log_in):
    observe(console, "held:grade:2026-11-20", title="the grade numbers of 2026-11-20 pass", text="40 % unknown")
    page = log_in("viewer", viewport={"width": 375, "height": 800})
    page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": "zh", "url": console.url}])
    page.goto("/alerts/1")
    page.get_by_test_id("runbook").click()
    expect(page.get_by_role("heading", name="不要做什么")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    screenshot(page, "runbook zh 375")
    page.get_by_role("link", name="/stats/held").click()
    expect(page).to_have_url(f"{console.url}/stats/held")


def test_an_admin_erases_a_person_and_reads_the_certificate(console, log_in):
    with console.runtime.transaction() as connection:
        do_not_call.add(connection, "13812345678", source="complaint", by="li", note="asked")
    page = log_in("admin", viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": "en", "url": console.url}])
    page.goto("/policy")
    page.get_by_label("Look").or_(page.locator("input[name=phone]")).first.fill("+86 138 1234 5678")
    page.get_by_test_id("look-up-submit").first.click()
    page.get_by_test_id("erase").click()
    expect(page.get_by_test_id("found")).to_be_visible()
    screenshot(page, "erase en dark")
    page.get_by_label("Reason").fill("letter of 30 November")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("digest")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    screenshot(page, "certificate en dark")
