"""People and their secrets in a browser: what is shown once, and what a new person may do."""

from playwright.sync_api import expect

from calling_pipeline.access.login import login
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails


def test_a_login_link_is_shown_once_and_logs_in_once(log_in, new_page, console):
    page = log_in("admin")
    page.goto("/people/1")
    page.get_by_test_id("login-link").click()
    page.get_by_test_id("submit").click()
    link = page.get_by_test_id("secret").input_value()
    theirs = new_page(base_url=console.url)
    theirs.goto(link[link.index("/login") :])  # the link names the public address, which is not this server's
    theirs.wait_for_url("**/")
    page.reload()
    expect(page.get_by_test_id("secret")).to_have_count(0)
    assert link.partition("link=")[2] not in page.content()


def test_a_person_is_made_given_a_password_and_is_who_they_are_in_the_audit_log(log_in, new_page, console):
    admin = log_in("admin")
    admin.goto("/people/add")
    admin.get_by_label("Name").fill("wang")
    admin.get_by_role("radio", name="operator").check()
    admin.get_by_label("Language").select_option("en")
    admin.get_by_test_id("submit").click()
    expect(admin.get_by_test_id("notice")).to_contain_text("wang")
    with console.runtime.transaction() as connection:
        link = f"{console.url}/login?link={login.make_link(connection, 'wang', by='test')}"
    theirs = new_page(base_url=console.url)
    theirs.goto(link)
    theirs.wait_for_url("**/")  # the page of the link leads on by itself
    theirs.goto("/me/password")
    for field in theirs.locator("input[type=password]").all():
        field.fill("a long pass phrase of wang")
    theirs.get_by_test_id("submit").click()
    expect(theirs.get_by_test_id("notice")).to_be_visible()
    admin.goto("/audit?person=wang")
    expect(admin.locator("main table")).to_contain_text("wang")


def test_a_task_of_the_ledger_is_edited_with_a_reason_by_keyboard_alone(log_in, console):
    with console.runtime.transaction() as connection:
        save_task_details(connection, TaskDetails("batch:7", "calls", "pending", by="li"))
    page = log_in("operator")
    page.goto("/ledger/task?id=batch:7")
    page.get_by_test_id("edit").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("State").select_option("failed")
    dialog.get_by_label("Reason").fill("the gateway lost it")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("notice")).to_be_visible()
    expect(page.locator("main")).to_contain_text("the gateway lost it")
