"""Telephony's pages in a real browser: the live board, imports, a connection tried, a release that asks."""

import re

import pytest
from playwright.sync_api import expect

from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.console.telephony import KEY, centre
from calling_pipeline_tests.support import nightly, some
from calling_pipeline_tests.telephony.support import set_up

PAGES = (
    "/telephony",
    "/telephony/extensions",
    "/telephony/extensions/import",
    "/telephony/configurations",
    "/telephony/configurations/{config}",
    "/telephony/configurations/{config}/edit",
    "/telephony/collectors",
    "/telephony/collectors/1/1",
    "/telephony/usage",
    "/telephony/callbacks",
    "/telephony/reconcile",
)


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    with centre(console, simulator) as made:
        yield made


def test_the_board_changes_by_itself_when_another_session_allocates_an_extension(office, log_in):
    page = log_in("operator")
    page.goto("/telephony")
    tile = page.get_by_test_id("tile-1000")
    expect(tile).to_contain_text("free")
    office.call(1)
    expect(tile).to_contain_text("in use")
    expect(tile).to_contain_text("agent 1")
    expect(page.get_by_test_id("pool-in_use")).to_have_text("1")


def test_a_thousand_pasted_lines_get_a_verdict_each_and_the_good_ones_are_imported(office, log_in):
    page = log_in("operator")
    page.goto("/telephony/extensions/import")
    lines = [f"bad number {place}" if place % 20 == 0 else str(5000 + place) for place in range(1000)]
    page.get_by_label("Paste").fill("\n".join(["number", *lines]))
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("rows")).to_have_text("1,000")
    expect(page.get_by_test_id("imported")).to_have_text("950")
    expect(page.get_by_test_id("refused-rows").locator("tbody tr")).to_have_count(50)
    assert office.rows("SELECT count(*) FROM extension_pool") == [(3,)]
    page.get_by_test_id("import-now").click()
    expect(page.get_by_role("heading", name="What was imported")).to_be_visible()
    expect(page.get_by_test_id("imported")).to_have_text("950")
    assert office.rows("SELECT count(*) FROM extension_pool") == [(953,)]


def test_an_import_without_rows_says_so_beside_the_form(office, log_in):
    page = log_in("operator")
    page.allow("console", "422")
    page.goto("/telephony/extensions/import")
    page.get_by_label("Paste").fill("   ")
    page.get_by_test_id("check").click()
    expect(page.get_by_test_id("refused")).to_contain_text("paste rows or choose a file")


def test_a_connection_is_tried_with_a_wrong_key_before_saving_and_nothing_is_saved(office, log_in, simulator):
    office.change(enabled=False)
    page = log_in("admin")
    page.goto("/telephony/configurations/new")
    page.get_by_label("Tenant", exact=True).fill("1")
    page.get_by_label("Name", exact=True).fill("second")
    page.get_by_label(re.compile("^Address")).fill(f"{simulator.url}/infinity/api")
    page.get_by_label("App id").fill("app")
    page.get_by_label(re.compile("^Access key")).fill("wrong")
    page.get_by_test_id("test").click()
    expect(page.get_by_test_id("tested")).to_contain_text("not authorised")
    expect(page.get_by_label("Name", exact=True)).to_have_value("second")
    assert office.rows("SELECT count(*) FROM infinity_configs") == [(1,)]
    page.get_by_label(re.compile("^Access key")).fill(KEY)
    page.get_by_test_id("test").click()
    expect(page.get_by_test_id("tested")).to_contain_text("logged in within")
    assert office.rows("SELECT count(*) FROM infinity_configs") == [(1,)]
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("shown-once")).not_to_be_empty()
    assert office.rows("SELECT count(*) FROM infinity_configs") == [(2,)]


def test_a_secret_is_in_no_page_s_source(office, log_in):
    page = log_in("admin")
    secrets = (KEY, "callback-secret-of-tests", f"****{KEY[-4:]}")
    for path in PAGES:
        page.goto(path.format(config=office.config_id))
        for secret in secrets:
            assert secret not in page.content(), path
    page.goto(f"/telephony/configurations/{office.config_id}")
    expect(page.get_by_test_id("access_key")).to_contain_text("set")
    page.get_by_test_id("test").click()
    expect(page.get_by_test_id("tested")).to_contain_text("logged in within")
    assert KEY not in page.content()


def test_a_release_asks_warns_of_the_running_call_and_is_noted(office, log_in):
    office.call(1)
    page = log_in("operator")
    page.goto("/telephony")
    page.get_by_test_id("tile-1000").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("holder")).to_contain_text("agent 1")
    dialog.get_by_test_id("release").click()
    expect(dialog.get_by_test_id("warning")).to_contain_text("may still be under way")
    dialog.get_by_label(re.compile("^Reason")).fill("the line hangs")
    dialog.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("Extension 1000 is released")
    expect(page.get_by_test_id("tile-1000")).to_contain_text("free")
    assert office.rows("SELECT person, door, reason FROM audit_log WHERE act = 'extension.release'") == [
        ("operator", "console", "the line hangs")
    ]


def test_a_release_that_comes_too_late_changes_nothing_and_keeps_what_was_typed(office, log_in):
    office.call(1)
    page = log_in("operator")
    page.allow("console", "409")
    page.goto(f"/telephony/extensions/{office.extensions[0]}/release")
    page.get_by_label(re.compile("^Reason")).fill("the line hangs")
    office.rows("UPDATE extension_pool SET fence = nextval('extension_turns') WHERE number = '1000' RETURNING 1")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("refused")).to_contain_text("allocated anew since")
    expect(page.get_by_label(re.compile("^Reason"))).to_have_value("the line hangs")
    assert office.rows("SELECT state FROM extension_pool WHERE number = '1000'") == [("in_use",)]


def test_a_tile_opens_by_the_keyboard_and_escape_leads_back(office, log_in):
    page = log_in("operator")
    page.goto("/telephony")
    page.get_by_test_id("tile-1001").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Extension 1001")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()


def test_a_callback_number_is_changed_in_place_and_shown_masked(office, log_in):
    page = log_in("operator")
    page.goto("/telephony/collectors/1/2")
    page.get_by_label(re.compile("^Callback number")).fill("13812345678")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("collectors")).to_contain_text("+86****5678")
    assert "13812345678" not in page.content()


@nightly
@pytest.mark.parametrize("theme", some("dark", "light"))
def test_every_page_is_accessible_and_fits_a_telephone(office, log_in, theme):
    office.call(1)
    language, narrow = ("zh" if theme == "light" else "en"), {"width": 375, "height": 720}
    page = log_in("admin", language=language, color_scheme=theme, viewport=narrow)
    for path in PAGES:
        page.goto(path.format(config=office.config_id))
        assert axe(page) == [], path
        assert overflow(page) == [], path


def test_a_hundred_extensions_fit_a_screen(console, simulator, log_in):
    set_up(console.runtime, f"{simulator.url}/infinity/api", lines=100, agents_=1)
    page = log_in("operator", viewport={"width": 1920, "height": 1080})
    page.goto("/telephony")
    expect(page.get_by_test_id("tile-1099")).to_be_in_viewport(ratio=1)
