"""The pages of collectors, usage, kept callbacks and the bill over HTTP."""

import datetime as dt
import re

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.refusals import store as refusal_store
from calling_pipeline_tests.console.telephony import PROBES, acts, centre, keep, number_of


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    with centre(console, simulator) as made:
        yield made


def test_collectors_are_added_changed_listed_and_deleted(office, as_role):
    operator = as_role("operator")
    new = {"tenant_id": "1", "collector_id": "55", "name": "Zhang", "callback_number": "13912345678"}
    assert operator.post("/telephony/collectors/add", data=new).status_code == 303
    again = operator.post("/telephony/collectors/add", data=new)
    assert (again.status_code, "已有相同编号" in again.text) == (409, True)
    office.call(1)
    page = operator.get("/telephony/collectors?tenant=1").text
    assert "+86****5678" in page
    assert "13912345678" not in page
    assert re.search(r"agent 1</td>.*?通话中.*?>1</td>\s*<td class=\"[^\"]*\">1000<", page, re.DOTALL)
    one = "/telephony/collectors/1/55"
    link = re.search(r'href="([^"]*)" data-testid="login"', as_role("admin").get(one).text)[1].replace("&amp;", "&")
    filled = as_role("admin").get(link).text
    assert re.search(r'name="collector_id"[^>]*value="55"', filled)
    assert re.search(r'value="collector" checked', filled)
    sealed = office.rows("SELECT callback_number_sealed FROM collectors WHERE id = 55")
    assert operator.post(one, data={"name": "Li", "callback_number": "", "active": "1"}).status_code == 303
    assert office.rows("SELECT callback_number_sealed FROM collectors WHERE id = 55") == sealed
    assert operator.post(one, data={"name": "Li", "callback_number": "1"}).status_code == 422
    assert operator.post(one, data={"name": "Li", "callback_number": "13900000777"}).status_code == 303
    assert office.rows("SELECT callback_number_masked, active FROM collectors WHERE id = 55") == [("+86****0777", False)]
    assert "Li" in operator.get("/telephony/collectors?active=no").text
    assert operator.get("/telephony/collectors?name=agent").text.count("/telephony/collectors/1/") == 2
    assert operator.post(f"{one}/delete", data={"reason": "left"}).status_code == 303
    assert acts(office, "collector.delete") == [("console", "left")]
    held = operator.post("/telephony/collectors/1/1/delete", data={"reason": "left"})
    assert (held.status_code, "请先释放" in held.text) == (409, True)


def test_collectors_are_imported_by_paste_after_a_check(office, as_role):
    operator = as_role("operator")
    text = "工号\t姓名\t回拨号码\n7\t王芳\t13900000001\n7\t王芳\t13900000001\n1\tx\t13900000002\n8\ty\t123\n"
    form = {"tenant_id": "1", "text": text}
    checked = operator.post("/telephony/collectors/import", data=form)
    names = ("rows", "imported", "already_there", "duplicate_in_file", "invalid")
    assert [number_of(checked, name) for name in names] == [4, 1, 1, 1, 1]
    assert office.rows("SELECT count(*) FROM collectors") == [(2,)]
    done = operator.post("/telephony/collectors/import", data={**form, "do": "import"})
    assert number_of(done, "imported") == 1
    assert office.rows("SELECT name FROM collectors WHERE id = 7") == [("王芳",)]
    wrong = operator.post("/telephony/collectors/import", data={"tenant_id": "1", "text": "7,8\n"})
    assert (wrong.status_code, "需要表头" in wrong.text) == (422, True)


def test_usage_shows_calls_and_refusals_by_hour_and_reason(console, office, as_role):
    office.call(1)
    hour = days.now().replace(minute=0, second=0, microsecond=0)
    with console.runtime.transaction() as connection:
        refusal_store.add(
            connection, {(1, hour, "none_free"): 7, (1, hour, "contact_policy:hours"): 2, (2, hour, "busy"): 4}, {}
        )
    page = as_role("viewer").get("/telephony/usage?tenant=1")
    assert (number_of(page, "calls"), number_of(page, "refused")) == (1, 9)
    assert re.search(r"没有空闲分机</td><td[^>]*>7<", page.text)
    assert "不在允许时段" in page.text
    assert number_of(as_role("viewer").get("/telephony/usage"), "refused") == 13
    assert "当天没有通话" in as_role("viewer").get("/telephony/usage?day=2020-01-01").text
    assert as_role("viewer").get("/telephony/usage?day=x").status_code == 422


def test_a_kept_callback_is_listed_and_given_up_with_a_reason(office, as_role):
    kept = keep(office)
    operator = as_role("operator")
    assert f'/telephony/callbacks/{kept}"' in operator.get("/telephony/callbacks").text
    assert PROBES[0] not in operator.get(f"/telephony/callbacks/{kept}").text
    assert operator.post(f"/telephony/callbacks/{kept}/drop").status_code == 422
    assert operator.post(f"/telephony/callbacks/{kept}/drop", data={"reason": "a test"}).status_code == 303
    assert acts(office, "callback.drop") == [("console", "a test")]
    assert "没有等待处理的回调" in operator.get("/telephony/callbacks").text
    assert "已放弃" in operator.get("/telephony/callbacks?all=1").text
    again = operator.post(f"/telephony/callbacks/{kept}/drop", data={"reason": "a test"})
    assert (again.status_code, "这个回调已处理" in again.text) == (409, True)
    assert operator.post(f"/telephony/callbacks/{keep(office, 'x')}/replay", data={"duration": "-1"}).status_code == 422


def test_a_day_is_compared_with_the_bill_and_the_report_is_shown(office, as_role, simulator):
    simulator.behave(ring_s=[0, 0], talk_s=[0, 0])
    office.call(1)
    operator = as_role("operator")
    report = operator.post("/telephony/reconcile", data={"day": days.today().isoformat(), "tenant_id": "1"})
    assert report.status_code == 200, report.text
    assert re.search(r'data-testid="report".*?<td class="number">1</td><td class="number">1</td>', report.text, re.DOTALL)
    assert acts(office, "bill.reconcile") == [("console", "")]
    late = operator.post("/telephony/reconcile", data={"day": (days.today() + dt.timedelta(days=2)).isoformat()})
    assert (late.status_code, "还没有到" in late.text) == (422, True)
