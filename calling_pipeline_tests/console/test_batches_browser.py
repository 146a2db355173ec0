"""The pages of the batches in a browser: acts in the dialog, live parts, settling in bulk, tasks with a preview."""

import pytest
from playwright.sync_api import expect

from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.browser.looking import axe, overflow, tab_stops
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.console.batches import desk_of, make_unknown, planned
from calling_pipeline_tests.support import nightly, some


@pytest.fixture
def console_runtime(console_runtime):
    needed = {"gateway_event_code": "event", "gateway_target_obj_id": "target"}
    made = Runtime(console_runtime.settings.model_copy(update=needed))
    yield made
    made.close()


@pytest.fixture
def desk(console, simulator):
    return desk_of(console, simulator)


def test_of_two_browsers_that_press_pause_and_cancel_the_slower_reads_a_sentence(desk, log_in):
    batch = planned(desk)
    first, second = log_in("ann", "operator"), log_in("bob", "operator")
    second.allow("console", "409")
    for page in (first, second):
        page.goto(f"/batches/{batch.id}")
    first.get_by_test_id("cancel").click()
    first.get_by_label("Reason").fill("the wrong table")
    second.get_by_test_id("pause").click()
    expect(second.get_by_test_id("touches-pending")).to_have_text("5")
    first.get_by_test_id("submit").click()
    expect(first.get_by_test_id("state")).to_have_text("cancelled")
    second.get_by_test_id("submit").click()
    expect(second.get_by_test_id("refused")).to_contain_text(f"batch {batch.id} is cancelled; it cannot be paused any more")


def test_a_batch_that_is_paused_elsewhere_shows_it_within_the_poll_of_an_open_page(desk, log_in):
    batch = planned(desk)
    page = log_in("ann", "viewer")
    page.goto(f"/batches/{batch.id}")
    expect(page.get_by_test_id("state")).to_have_text("planned")
    with desk.engine.begin() as connection:
        lifecycle.pause(connection, batch.id, by="li", reason="lunch")
    expect(page.get_by_test_id("state")).to_have_text("paused")
    expect(page.get_by_test_id("note")).to_have_text("paused by li: lunch")
    expect(page.get_by_test_id("pause")).to_have_count(0)


def test_five_hundred_unknown_calls_are_settled_at_once_with_progress(desk, log_in):
    batch = planned(desk, 500)
    make_unknown(desk, batch)
    page = log_in("ann", "operator")
    page.goto(f"/batches/{batch.id}")
    expect(page.get_by_test_id("unknown")).to_have_text("500")
    page.get_by_test_id("settle-all").click()
    expect(page.get_by_test_id("touches")).to_contain_text("500 unknown calls")
    page.get_by_label("They were made: count them").check()
    page.get_by_label("How you know").fill("all are in the gateway's list")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_have_text("500 calls are settled as made.")
    expect(page.get_by_test_id("pushed")).to_have_text("500")
    assert desk.one("SELECT count(*) FROM call_log WHERE outcome = 'settled_pushed'") == 500


def test_only_the_ticked_calls_are_settled(desk, log_in):
    batch = planned(desk, 3)
    make_unknown(desk, batch)
    page = log_in("ann", "operator")
    page.goto(f"/batches/{batch.id}")
    page.get_by_test_id("unknown-form").locator('input[name="call"]').first.check()
    page.get_by_test_id("settle-ticked").click()
    page.get_by_label("They were not made").check()
    page.get_by_label("How you know").fill("not in the gateway's list")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("unknown")).to_have_text("2")
    expect(page.get_by_test_id("pending")).to_have_text("1")


def test_a_task_is_made_with_a_preview_that_follows_what_is_chosen(desk, log_in):
    desk.work_orders([phone(1), phone(2), "<script>alert(1)</script>"])
    page = log_in("ann", "operator")
    page.goto("/batches/tasks/new")
    page.get_by_label("Name", exact=True).fill("renewals")
    page.get_by_label("Schema", exact=True).select_option("crm")
    page.get_by_label("Table or view").select_option("work_orders")
    page.get_by_label("Column of numbers").select_option("mobile")
    expect(page.get_by_test_id("sample")).to_contain_text("138****0001")
    expect(page.get_by_test_id("ticks").locator("li")).to_have_count(5)
    page.get_by_label("When (cron)").fill("often")
    page.get_by_label("When (cron)").press("Tab")
    expect(page.get_by_test_id("cron-error")).to_contain_text("has 1 fields")
    page.get_by_label("When (cron)").fill("0 9 * * *")
    page.get_by_test_id("preview-card").click()
    expect(page.get_by_test_id("to-call")).to_have_text("2")
    page.wait_for_load_state("networkidle")  # the field that was left last refreshes the preview as well
    assert page.get_by_test_id("to-call").inner_text() == "2"
    expect(page.get_by_label("Name", exact=True)).to_have_value("renewals")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_have_text("The calling task renewals is saved.")
    assert desk.one("SELECT source_table FROM calling_tasks") == "work_orders"


def test_a_run_asks_for_the_number_and_asks_again_when_it_has_changed(desk, log_in):
    desk.work_orders([phone(1), phone(2)])
    task = desk.task()
    page = log_in("ann", "operator")
    page.allow("console", "409")
    page.goto("/batches/tasks")
    page.get_by_test_id(f"run-{task.id}").click()
    expect(page.get_by_test_id("to-call")).to_have_text("2")
    desk.work_orders([phone(3)])
    page.get_by_label("To call them, type the number").fill("2")
    page.get_by_test_id("act-form").get_by_test_id("submit").click()
    expect(page.get_by_test_id("refused")).to_contain_text("3 people would be called now, not 2")
    expect(page.get_by_label("To call them, type the number")).to_have_value("2")
    page.get_by_label("To call them, type the number").fill("3")
    page.get_by_test_id("act-form").get_by_test_id("submit").click()
    expect(page.get_by_test_id("state")).to_have_text("waiting")
    assert desk.gateway_calls() == []


def test_why_is_asked_by_keyboard_alone_and_no_address_holds_the_number(desk, log_in):
    desk.push(planned(desk, 1))
    page = log_in("ann", "viewer")
    page.goto("/batches/why")
    tab_stops(page, until="#phone")
    page.keyboard.type(phone(1))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("why-number")).to_have_text("138****0001")
    expect(page.get_by_test_id("timeline")).to_contain_text("was called")
    assert phone(1) not in page.url


@nightly
@pytest.mark.parametrize(("scheme", "language"), some(("light", "zh"), ("dark", "en")))
def test_the_pages_are_accessible_and_fit_a_phone(desk, log_in, scheme, language):
    desk.work_orders([phone(number) for number in range(1, 30)], table="a_table_with_a_very_long_name_of_the_customer")
    task = desk.task("续约提醒", source_table="a_table_with_a_very_long_name_of_the_customer")
    batch = desk.plan("续约提醒")
    make_unknown(desk, batch)
    page = log_in("ann", "operator", language, color_scheme=scheme, viewport={"width": 375, "height": 700})
    for path in (
        "/batches",
        f"/batches/{batch.id}",
        f"/batches/{batch.id}/rows",
        f"/batches/{batch.id}/settle?which=all",
        "/batches/tasks",
        f"/batches/tasks/{task.id}",
        f"/batches/tasks/{task.id}/run?counted=true",
        "/batches/why",
        "/batches/accept",
    ):
        page.goto(path)
        assert axe(page) == [], path
        assert overflow(page) == [], path
