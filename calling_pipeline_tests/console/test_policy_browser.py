"""Policy, ledger and people in a browser: a number from search to removal, an import, every page with harmful texts."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from calling_pipeline.contact_policy import do_not_call, holidays
from calling_pipeline.days import today
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.support import nightly, some

PROBE = '<script>document.title="hacked"</script><img src=x onerror=alert(1)>{{7*7}}'
PAGES = (
    "/policy",
    "/policy/do-not-call",
    "/policy/do-not-call/add",
    "/policy/import",
    "/policy/calendar",
    "/ledger",
    "/ledger/usage",
    "/ledger/refusals",
    "/ledger/task?id=batch:1",
    "/ledger/edit?id=batch:2",
    "/people",
    "/people/1",
    "/people/add",
    "/me",
    "/me/password",
    "/audit",
)


@pytest.fixture
def filled(console):
    """A little of everything, with texts of somebody who means harm."""
    with console.runtime.transaction() as connection:
        for n in range(3):
            do_not_call.add(connection, f"1381234567{n}", source=PROBE, note=PROBE, by=PROBE)
        holidays.declare(connection, today(), PROBE)
        save_task_details(connection, TaskDetails("batch:1", PROBE, "completed", details={PROBE: PROBE}, by=PROBE))
        save_task_details(connection, TaskDetails("batch:1", PROBE, "failed", by=PROBE))
        save_task_details(connection, TaskDetails("batch:2", PROBE, "pending", reason=PROBE, by=PROBE))


@nightly
@pytest.mark.parametrize(("language", "scheme", "width"), some(("zh", "light", 375), ("en", "dark", 1280)))
def test_every_page_is_accessible_fits_and_shows_harmful_texts_as_texts(log_in, filled, language, scheme, width):
    page = log_in("admin", language=language, color_scheme=scheme, viewport={"width": width, "height": 800})
    for address in PAGES:
        page.goto(address)
        assert axe(page) == [], address
        assert overflow(page) == [], address
        assert "hacked" not in page.title()


def test_a_number_is_looked_up_taken_off_the_list_and_may_be_called_again(log_in, console):
    with console.runtime.transaction() as connection:
        do_not_call.add(connection, "13812345678", source="complaint", by="li")
    page = log_in("operator")
    page.goto("/policy")
    page.get_by_label("Look a number up").fill("138 1234 567")
    page.get_by_test_id("look-up-submit").click()
    expect(page.get_by_role("alert")).to_contain_text("is not a telephone number")
    page.allow("console", "422")
    page.get_by_label("Look a number up").fill("138 1234 5678")
    page.get_by_test_id("look-up-submit").click()
    page.wait_for_url("**/policy/numbers/*")
    assert "5678" not in urlsplit(page.url).path
    expect(page.get_by_test_id("verdict-batch").get_by_test_id("rule")).to_have_text("Do-not-call list")
    expect(page.get_by_test_id("verdict-telephony").get_by_test_id("not-before")).to_have_text("not by waiting")
    page.get_by_test_id("remove").click()
    page.get_by_label("Reason").fill("asked to be called")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("138****5678 is off the do-not-call list (1 entries)")
    expect(page.get_by_test_id("standing")).to_contain_text("asked to be called")
    expect(page.get_by_test_id("verdict-batch")).not_to_contain_text("Do-not-call list")


def test_a_thousand_lines_with_fifty_bad_ones_are_checked_and_imported_from_a_file(log_in):
    lines = [f"1371234{n:04}" if n % 20 else f"137****{n:04}" for n in range(1000)]
    page = log_in("operator")
    page.goto("/policy/import")
    file = {"name": "list.txt", "mimeType": "text/plain", "buffer": "\n".join(lines).encode()}
    page.get_by_label("File").set_input_files(file)
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("reconciled")).to_have_text("1,000 lines = 950 new + 0 changed + 0 unchanged + 50 rejected")
    expect(page.get_by_test_id("rejected-lines").get_by_role("row")).to_have_count(51)
    page.get_by_test_id("import-do").click()
    expect(page.get_by_test_id("imported")).to_contain_text("950 numbers were imported")
    page.goto("/policy/do-not-call")
    expect(page.get_by_test_id("do_not_call-range")).to_contain_text("of 950")
