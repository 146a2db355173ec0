"""The extension pool's pages over HTTP: the board, the list, imports, and what is done with an extension."""

import re

import pytest

from calling_pipeline.telephony.pool import extensions
from calling_pipeline_tests.console.telephony import acts, centre, number_of

BAD = [f"bad number {number}" for number in range(30)] + ["8000", "8001"] + ["", "1000"] * 9


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    with centre(console, simulator) as made:
        yield made


def shown_in(page):
    """State words of the board's tiles by number."""
    return dict(re.findall(r"<b>(\w+)</b>.*?<small><span>. ([^<]+)</span>", page.text, re.DOTALL))


def test_the_board_says_of_each_extension_what_it_does(console, office, as_role):
    office.call(1)
    office.rows("UPDATE extension_pool SET ready_at = now() + interval '1 hour' WHERE number = '1001' RETURNING 1")
    office.change(cool_down_s=7200)
    with console.runtime.transaction() as connection:
        extensions.set_state(connection, office.extensions[2], "offline", reason="mended", who="test")
    page = as_role("viewer").get("/telephony", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert shown_in(page) == {"1000": "使用中", "1001": "冷却", "1002": "下线"}
    assert "agent 1" in page.text
    assert (number_of(page, "pool-in_use"), number_of(page, "pool-cooling"), number_of(page, "pool-offline")) == (1, 1, 1)
    assert set(shown_in(as_role("viewer").get("/telephony?state=cooling"))) == {"1001"}
    assert set(shown_in(as_role("viewer").get("/telephony/board?number=1002"))) == {"1002"}
    office.change(enabled=False)
    assert shown_in(as_role("viewer").get("/telephony?number=1001"))["1001"] == "配置停用"


def test_a_quarantined_extension_says_until_when_and_how_often_it_failed(office, as_role):
    office.rows(
        "UPDATE extension_pool SET state = 'offline', offline_reason = 'quarantine: 5 failures in a row', failures = 5,"
        " quarantined_until = now() + interval '10 minutes' WHERE number = '1000' RETURNING 1"
    )
    page = as_role("viewer").get("/telephony")
    assert shown_in(page)["1000"] == "隔离"
    assert "失败 5" in page.text
    assert "隔离：连续失败 5 次" in as_role("viewer").get(f"/telephony/extensions/{office.extensions[0]}").text


def test_the_list_is_ordered_paged_filtered_and_exported(console, office, as_role):
    with console.runtime.transaction() as connection:
        rows = [(str(2000 + number), "=1+1") for number in range(60)]
        extensions.bulk_import(connection, office.config_id, rows, who="test")
    viewer = as_role("viewer")
    first = viewer.get("/telephony/extensions?sort=-number")
    numbers = re.findall(r'/telephony/extensions/\d+">(\d+)<', first.text)
    assert numbers == [str(2059 - place) for place in range(50)]
    assert len(re.findall(r'/telephony/extensions/\d+">', viewer.get("/telephony/extensions?page=2").text)) == 13
    assert viewer.get("/telephony/extensions?number=100").text.count("/telephony/extensions/") == 3
    exported = viewer.get("/telephony/extensions?form=csv&number=20").text
    assert len(exported.splitlines()) == 61
    assert "'=1+1" in exported
    assert acts(office, "list.export") == [("console", "")]
    for query in ("state=gone", "sort=secret", "tenant=x", "config=-1"):
        assert viewer.get(f"/telephony/extensions?{query}").status_code == 422


def test_an_import_of_a_thousand_lines_is_checked_first_and_its_counts_add_up(office, as_role):
    lines = [str(8000 + number) for number in range(950)] + BAD
    assert len(lines) == 1000
    form = {"config_id": office.config_id, "text": "number\n" + "\n".join(line or "," for line in lines)}
    operator = as_role("operator")
    checked = operator.post("/telephony/extensions/import", data=form)
    assert checked.status_code == 200, checked.text
    rows = number_of(checked, "rows")
    counts = {name: number_of(checked, name) for name in ("imported", "already_there", "duplicate_in_file", "invalid")}
    assert sum(counts.values()) == rows
    assert counts["imported"] == 950
    assert counts["duplicate_in_file"] == 2 + 8
    assert counts["already_there"] == 1
    assert counts["invalid"] == 30
    assert checked.text.count("<tr><td") == rows - 950
    assert "分机号为 1–32 位字母" in checked.text
    assert office.rows("SELECT count(*) FROM extension_pool") == [(3,)]
    assert len(acts(office, "extension.import")) == 1
    done = operator.post("/telephony/extensions/import", data={**form, "do": "import"})
    assert {name: number_of(done, name) for name in counts} == counts
    assert office.rows("SELECT count(*) FROM extension_pool") == [(953,)]
    assert acts(office, "extension.import")[-1] == ("console", "")


def test_a_file_is_imported_like_a_paste_and_one_that_is_no_text_is_refused(office, as_role):
    operator = as_role("operator")
    form = {"config_id": str(office.config_id)}
    sheet = {"file": ("lines.csv", "\ufeff分机号,备注\n9001,一\n".encode(), "text/csv")}
    assert number_of(operator.post("/telephony/extensions/import", data=form, files=sheet), "imported") == 1
    wrong = {"file": ("lines.csv", "分机号\n".encode("gb18030"), "text/csv")}
    refused = operator.post("/telephony/extensions/import", data=form, files=wrong)
    assert (refused.status_code, "不是 UTF-8" in refused.text) == (422, True)
    assert "请粘贴内容或选择文件" in operator.post("/telephony/extensions/import", data=form).text


def test_a_release_needs_the_allocation_that_was_seen_and_a_reason(office, as_role):
    office.call(1)
    operator = as_role("operator")
    one = f"/telephony/extensions/{office.extensions[0]}"
    page = operator.get(f"{one}/release")
    assert 'data-testid="warning"' in page.text
    assert "138****0001" in page.text
    fence = re.search(r'name="fence" value="(\d+)"', page.text)[1]
    assert operator.post(f"{one}/release", data={"fence": fence}).status_code == 422
    assert operator.post(f"{one}/release", data={"reason": "x"}).status_code == 422
    late = operator.post(f"{one}/release", data={"fence": int(fence) - 1, "reason": "hangs"})
    assert (late.status_code, "没有释放任何分机" in late.text) == (409, True)
    assert office.rows("SELECT state FROM extension_pool WHERE number = '1000'") == [("in_use",)]
    done = operator.post(f"{one}/release", data={"fence": fence, "reason": "hangs"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/telephony")
    assert office.rows("SELECT state FROM communication_records") == [("unknown",)]
    assert acts(office, "extension.release") == [("console", "hangs")]


def test_what_a_collector_holds_is_released_with_a_reason(office, as_role):
    office.call(2)
    operator = as_role("operator")
    address = "/telephony/collectors/1/2/release"
    assert 'data-testid="warning"' in operator.get(address).text
    assert operator.post(address).status_code == 422
    assert operator.post(address, data={"reason": "went home"}).status_code == 303
    assert acts(office, "extension.release") == [("console", "went home")]
    again = operator.post(address, data={"reason": "went home"})
    assert (again.status_code, "没有占用分机" in again.text) == (409, True)


def test_an_extension_goes_offline_and_comes_back_and_is_deleted(office, as_role):
    operator = as_role("operator")
    one = f"/telephony/extensions/{office.extensions[1]}"
    assert operator.post(f"{one}/state", data={"state": "offline"}).status_code == 422
    assert operator.post(f"{one}/state", data={"state": "offline", "reason": "mended"}).status_code == 303
    assert "mended" in operator.get(one).text
    assert operator.post(f"{one}/state", data={"state": "available"}).status_code == 303
    assert operator.post(f"{one}/state", data={"state": "gone", "reason": "x"}).status_code == 422
    assert operator.post(f"{one}/delete", data={"reason": "sold"}).status_code == 303
    assert operator.get(one).status_code == 404
    assert acts(office, "extension.delete") == [("console", "sold")]
    added = {"config_id": office.config_id, "number": "1001", "label": "again"}
    assert operator.post("/telephony/extensions/add", data=added).status_code == 303
    assert operator.post("/telephony/extensions/add", data=added).status_code == 409
