"""The pages of the notifications in a browser: dead letters, unknown messages, the preview and a run, parked rows, XSS."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.console.notifications.conftest import deliver
from calling_pipeline_tests.notifications.world import ROBOTS, row, states, statuses, write_ledger
from calling_pipeline_tests.support import nightly, some

PROBE = '<script>document.title="hacked"</script><img src=x onerror=alert(1)>{{7*7}}'
PAGES = (
    "/notifications",
    "/notifications/contracts/messages",
    "/notifications/contracts/messages?state=dead",
    "/notifications/contracts/messages/1",
    "/notifications/contracts/redrive?state=dead",
    "/notifications/contracts/settle?state=dead",
    "/notifications/contracts",
    "/notifications/contract?id=id-2",
    "/notifications/parked",
    "/notifications/questions",
    "/notifications/preview",
    "/notifications/run",
    "/notifications/robots",
    "/notifications/technicians",
    "/notifications/technicians/messages",
    "/notifications/resend?id=id-1",
)


def run_from_the_page(page, state="completed"):
    """Press "Run now", confirm, and wait until it is done; "needs a look" where a line is parked for a setting."""
    page.get_by_test_id("run-now").click()
    page.get_by_test_id("run-form").get_by_test_id("submit").click()
    expect(page.get_by_test_id("run-state")).to_have_text(state)


def test_a_preview_shows_exactly_what_a_run_then_sends(log_in, deps, judge, ledger):
    page = log_in("operator")
    page.goto("/notifications/preview")
    expect(page.get_by_test_id("would-make")).to_have_text("2")
    shown = sorted(
        (one.get_by_test_id("previewed-to").inner_text(), one.get_by_test_id("text").inner_text().strip())
        for one in page.get_by_test_id("previewed").all()
    )
    assert judge.messages() == []
    run_from_the_page(page, "needs a look")
    expect(page.get_by_test_id("did-delivered")).to_have_text("2")
    groups = {f"robot:{key}": f"robot {name}" for name, key in ROBOTS.items()}
    assert sorted((groups[to], text.strip()) for to, text in judge.messages()) == shown
    assert statuses(ledger) == {"id-1": "Y", "id-2": "Y", "id-3": "N"}


def test_a_dead_letter_of_a_cause_goes_out_again_and_arrives_once(log_in, deps, judge, ledger):
    judge.rules(bad_keys=["key-sh"])
    deliver(deps, ledger)
    judge.rules(bad_keys=[])
    page = log_in("operator")
    page.goto("/notifications")
    cause = page.get_by_test_id("cause")
    expect(cause).to_contain_text("errcode 93000")
    expect(page.get_by_test_id("cause-count")).to_have_text("1")
    cause.get_by_test_id("redrive").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_test_id("would")).to_contain_text("1 messages would go out again")
    dialog.get_by_label("Reason").fill("the key is right now")
    dialog.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("1 messages wait again")
    expect(page.get_by_test_id("count-pending")).to_have_text("1")
    deliver(deps, ledger)
    assert [to for to, _ in judge.messages()].count("robot:key-sh") == 1
    assert max(judge.counted().values()) == 1
    page.reload()
    expect(page.get_by_test_id("empty").first).to_contain_text("No message waits for a person")


def test_an_unknown_message_is_settled_and_not_sent_again(log_in, deps, judge, ledger, simulator):
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=1)
    deliver(deps, ledger)
    page = log_in("operator")
    page.goto("/notifications/contracts/messages?state=unknown")
    page.get_by_test_id("contracts-messages").get_by_role("link").first.click()
    page.get_by_test_id("settle").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("as-delivered").check()
    dialog.get_by_label("Reason").fill("seen in the group")
    dialog.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("1 messages are settled as delivered")
    expect(page.get_by_test_id("history")).to_contain_text("seen in the group")
    deliver(deps, ledger)
    assert states(deps.engine) == {"delivered": 2}
    assert max(judge.counted().values()) == 1


def test_ticked_messages_are_settled_and_the_others_stay(log_in, deps, judge, ledger, simulator):
    write_ledger(ledger, [row(number) for number in range(1, 6)])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=5)
    deliver(deps, ledger)
    page = log_in("operator")
    page.goto("/notifications/contracts/messages?state=unknown")
    boxes = page.get_by_test_id("contracts-messages").locator("input[name=ids]")
    page.get_by_test_id("contracts-messages-all").check()
    expect(boxes.nth(4)).to_be_checked()
    boxes.nth(0).uncheck()
    boxes.nth(1).uncheck()
    page.get_by_test_id("ticked-settle").click()
    expect(page.get_by_test_id("would")).to_contain_text("3 messages")
    page.get_by_test_id("as-abandoned").check()
    page.get_by_label("Reason").fill("the group is closed")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("count-abandoned")).to_have_text("3")
    expect(page.get_by_test_id("count-unknown")).to_have_text("2")


def test_a_parked_row_shows_its_line_and_is_gone_when_the_file_is_mended_and_run_again(log_in, judge, ledger):
    write_ledger(ledger, [row(1), row(2, **{"管家累计单数": "x"})])
    page = log_in("operator")
    page.goto("/notifications")
    run_from_the_page(page)
    page.get_by_test_id("tab-parked").click()
    lines = page.get_by_test_id("parked-lines")
    expect(lines.get_by_role("row").nth(1)).to_contain_text("id-2")
    expect(lines.get_by_role("row").nth(1)).to_contain_text("管家累计单数 is 'x'; it must be a whole number")
    expect(lines.get_by_role("row").nth(1)).to_contain_text("3")
    write_ledger(ledger, [row(1, notified="Y"), row(2)])
    page.get_by_test_id("tab-overview").click()
    run_from_the_page(page)
    page.get_by_test_id("tab-parked").click()
    expect(page.get_by_test_id("parked-lines-empty")).to_contain_text("Every line can be used")
    assert [text.count("YHWX-北京-00002") for _, text in judge.messages()] == [0, 1]


def test_a_run_goes_on_when_its_page_is_closed(log_in, deps, judge, ledger, simulator):
    write_ledger(ledger, [row(number) for number in range(1, 21)])
    simulator.plant("slow", path="webhook/send", seconds=0.1, times=20)
    page = log_in("operator")
    page.goto("/notifications")
    page.get_by_test_id("run-now").click()
    page.get_by_test_id("run-form").get_by_test_id("submit").click()
    expect(page.get_by_test_id("run-state")).to_be_visible()
    address = page.locator("#run").get_attribute("hx-get").removesuffix("/live")
    page.close()
    again = log_in("viewer")
    again.goto(address)
    expect(again.get_by_test_id("run-state")).to_have_text("completed")
    expect(again.get_by_test_id("did-delivered")).to_have_text("20")
    assert max(judge.counted().values()) == 1


def test_texts_of_a_ledger_run_nowhere_and_stay_texts(log_in, deps, judge, ledger):
    columns = ("合同编号(contractdocNum)", "管家(serviceHousekeeper)", "备注")
    probed = {**dict.fromkeys(columns, PROBE), "合同ID(_id)": PROBE}
    write_ledger(ledger, [row(1, **probed), row(2, **probed, city="上海"), row(3, city=PROBE)])
    judge.rules(bad_keys=["key-bj", "key-sh"])
    page = log_in("operator")
    page.allow("console", "404")
    page.goto("/notifications/preview")
    expect(page.get_by_test_id("preview-parked")).to_contain_text("<script>")
    write_ledger(ledger, [row(1, **probed), row(3, city=PROBE)])
    deliver(deps, ledger)
    for address in PAGES[:13]:
        page.goto(address)
        assert "hacked" not in page.title()
        assert page.locator("#main img").count() == 0
    page.goto("/notifications/contracts/messages/1")
    expect(page.get_by_test_id("text")).to_contain_text("<img src=x onerror=alert(1)>{{7*7}}")
    expect(page.get_by_test_id("subject")).to_contain_text("<script>")


@nightly
@pytest.mark.parametrize(
    ("language", "theme", "width"), some(("zh", "dark", 1920), ("zh", "light", 375), ("en", "dark", 1280))
)
def test_every_page_is_accessible_and_fits(log_in, deps, judge, ledger, simulator, language, theme, width):
    judge.rules(bad_keys=["key-sh"])
    write_ledger(ledger, [row(1), row(2, city="上海"), row(3, city="广州"), row(4), row(4, **{"备注": "无"}), row(5)])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=1)
    deliver(deps, ledger)
    with deps.transaction() as connection:
        connection.execute(sa.text("UPDATE contract_rows SET set_back_at = now() WHERE contract_id = 'id-5'"))
    size = {"width": width, "height": 800}
    page = log_in("operator", language=language, viewport=size, color_scheme=theme)
    page.allow("console", "404")
    for address in PAGES:
        page.goto(address)
        assert (address, axe(page)) == (address, [])
        assert (address, overflow(page)) == (address, [])
