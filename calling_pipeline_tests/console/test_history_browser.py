"""Taking over who was called, in a browser: checked first, imported by the button that the check shows; and the accounts."""

from playwright.sync_api import expect

from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline_tests.browser.looking import axe, overflow, screenshot

ROWS = (
    "手机号,最近外呼时间,负责人\n"
    + "".join(f"1380000{n:04},2026-06-01 10:00,李\n" for n in range(300))
    + "138****0000,,\n" * 20
)


def test_a_file_is_checked_and_then_imported_and_its_numbers_say_where_they_are_from(log_in):
    page = log_in("operator", language="zh", viewport={"width": 375, "height": 800}, color_scheme="dark")
    page.goto("/batches/history/import")
    page.locator("#file").set_input_files({"name": "旧.csv", "mimeType": "text/csv", "buffer": ROWS.encode("gb18030")})
    page.get_by_label("来源系统").fill("旧系统")
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("new")).to_have_text("300")
    expect(page.get_by_test_id("left-out")).to_have_text("20")
    assert (axe(page), overflow(page)) == ([], [])
    screenshot(page, "history_checked")
    page.get_by_test_id("import-do").click()
    expect(page.get_by_test_id("imported")).to_contain_text("300")
    page.goto("/batches/why")
    page.get_by_label("号码").first.fill("138 0000 0007")
    page.get_by_test_id("why-form").get_by_role("button").click()
    expect(page.get_by_test_id("why-elsewhere")).to_contain_text("旧系统")
    screenshot(page, "history_why")


def test_the_accounts_of_the_ledger_lead_to_their_tasks(log_in, console):
    with console.runtime.transaction() as connection:
        for n, account in enumerate(("zhang", "zhang", "13812345678")):
            save_task_details(
                connection, TaskDetails(f"t{n}", "export", "completed", credits=3, free=False, account=account)
            )
    page = log_in("viewer", viewport={"width": 1280, "height": 800})
    page.goto("/ledger/accounts")
    expect(page.get_by_text("138****5678")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    screenshot(page, "ledger_accounts")
    page.get_by_role("link", name="zhang").click()
    expect(page.get_by_role("link", name="t1")).to_be_visible()
    expect(page.get_by_role("link", name="t2")).to_have_count(0)
