"""The results of a batch in a browser: the open page follows a join, and the figures lead to their calls."""

from playwright.sync_api import expect

from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline_tests.analysis.pushed_world import KEY, add_batch, add_push, add_record
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.console.batches import morning
from calling_pipeline_tests.support import yesterday


def test_an_open_page_follows_a_join_and_a_figure_leads_to_its_calls(console, log_in):
    with console.runtime.transaction() as connection:
        batch = add_batch(connection, yesterday())
        for number in range(4):
            add_push(connection, batch, number, morning(), row_key=f"order-{number}")
    page = log_in("ann", "viewer", viewport={"width": 375, "height": 700}, color_scheme="dark")
    page.goto(f"/batches/{batch}")
    expect(page.get_by_test_id("waiting")).to_have_text("4")
    expect(page.get_by_test_id("joined")).to_contain_text("Not joined")
    with console.runtime.transaction() as connection:
        for number, order in enumerate((9, 0, 1)):
            add_record(connection, number + 1, number, morning(), order_yuan=order)
        join_day(connection, yesterday(), JoinRules((KEY,)))
    expect(page.get_by_test_id("connected")).to_have_text("3")
    expect(page.get_by_test_id("results-difference")).to_have_text("0")
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_test_id("results").get_by_role("link", name="waiting for a record").click()
    expect(page.get_by_role("row")).to_have_count(2)  # the head and one call
    expect(page.get_by_role("cell", name="order-3")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
