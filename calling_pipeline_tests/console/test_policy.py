"""The pages of the contact policy over HTTP: by roles, numbers in no address, acts noted, every rule in Chinese."""

import datetime as dt
import re
from typing import Any

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.contact_policy import do_not_call, holidays, rules, store
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt, Facts
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.api.test_policy import KEEPS_NO_NOTE
from calling_pipeline_tests.support import LIMIT_S

PHONE, MASKED = "13812345678", "138****5678"
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}'
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)


@pytest.fixture
def operator(as_role):
    return as_role("operator")


@pytest.fixture
def transaction(console):
    return console.runtime.transaction


def looked_up(client, phone=PHONE):
    answer = client.post("/policy/number", data={"phone": phone})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def acts(transaction, act="*"):
    with transaction() as connection:
        return [(row.act, row.door, row.reason) for row in audit.entries(connection, act=act, limit=50)[0]]


def test_a_number_is_looked_up_by_a_form_and_stands_in_no_address_and_on_no_page(as_role, transaction):
    with transaction() as connection:
        do_not_call.add(connection, PHONE, source="complaint", by="li", note="asked by 13812345678")
    viewer = as_role("viewer")
    where = looked_up(viewer, "+86 138-1234-5678")
    assert PHONE not in where
    page = viewer.get(where).text
    assert MASKED in page
    assert PHONE not in page
    assert page.count('data-testid="rule">拒呼名单') == 2, "for batches and for telephony"
    assert "等待也不行" in page
    assert "asked by 138****5678" in page
    assert viewer.get(where[:-4] + "AAAA").status_code == 404
    assert viewer.get("/policy/numbers/nonsense").status_code == 404


def test_a_text_that_is_no_number_is_refused_masked(as_role):
    answer = as_role("viewer").post("/policy/number", data={"phone": "138****5678"})
    assert answer.status_code == 422
    assert "不是可用的电话号码" in answer.text


def test_a_number_may_be_called_again_when_the_last_rule_ends(as_role, transaction):
    attempts = [Attempt(PHONE, "telephony", f"call {n}", NOON - dt.timedelta(minutes=n + 1)) for n in range(3)]
    with transaction() as connection:
        store.record(connection, attempts)
    viewer = as_role("viewer")
    with days.frozen(NOON):
        page = viewer.get(looked_up(viewer)).text
    assert "滚动次数已满" in page
    assert "5 分钟内已联系 3 次" in page
    assert re.search(r'data-testid="not-before"><time[^>]*title="2026-11-20 12:02:00"', page)
    assert page.count("坐席通话</td><td><code>call ") == 3


def test_an_operator_puts_a_number_on_the_list_and_takes_it_off_with_a_reason(operator, transaction):
    added = {"phone": PHONE, "source": EVIL, "expires": f"{days.today() + dt.timedelta(days=60)}", "reason": EVIL}
    assert operator.post("/policy/do-not-call/add", data=added).headers["location"] == "/policy/do-not-call"
    listed = operator.get("/policy/do-not-call").text
    assert MASKED in listed
    assert "<script>alert" not in listed
    assert "<img src=x" not in listed
    where = looked_up(operator)
    asked = operator.get(f"{where}/remove").text
    assert 'data-testid="touched"' in asked
    assert "<script>alert" not in asked
    gone = operator.post(f"{where}/remove", data={"reason": "a mistake"})
    assert gone.status_code == 303
    again = operator.post(f"{where}/remove", data={"reason": "a mistake"})
    assert again.status_code == 404
    assert "不在拒呼名单中" in again.text
    page = operator.get(where).text
    assert "a mistake" in page
    assert 'data-testid="history"' in page
    assert acts(transaction) == [
        ("do_not_call.remove", "console", "a mistake"),
        ("do_not_call.add", "console", EVIL),
    ]


def test_the_list_is_narrowed_by_what_became_of_its_entries_and_exported_masked(operator, transaction):
    with transaction() as connection:
        for n in range(120):
            do_not_call.add(connection, f"139{n:08}", source="carrier" if n % 2 else "complaint")
        do_not_call.remove(connection, "13900000001", by="li")
    assert "共 119 行" in operator.get("/policy/do-not-call").text
    removed = operator.get("/policy/do-not-call?state=removed").text
    assert "共 1 行" in removed
    csv = operator.get("/policy/do-not-call?source=carrier&state=all&form=csv").text
    assert len(csv.splitlines()) == 61
    assert "139****0001" in csv
    assert "13900000001" not in csv
    assert acts(transaction, "list.export")
    assert operator.get("/policy/do-not-call?state=gone").status_code == 422


def test_an_import_is_first_only_judged_and_then_done_and_both_say_the_same(operator, transaction):
    lines = [f"137{n:08}" for n in range(950)] + ["13700000000"] + [f"138****{n:04}" for n in range(49)]
    form = {"numbers": "phone\n" + "\n".join(lines), "source": "carrier", "expires": "", "do": "try"}
    tried = operator.post("/policy/import", data=form).text
    counts = r'data-testid="(lines|new|changed|unchanged|rejected)">([\d,]+)<'
    said = dict(re.findall(counts, tried))
    assert said == {"lines": "1,000", "new": "950", "changed": "0", "unchanged": "1", "rejected": "49"}
    assert "1,000 行 = 新增 950 + 更新 0 + 无变化 1 + 不可用 49" in tried
    assert tried.count("<td>号码被打码</td>") == 49
    assert 'data-testid="import-do"' in tried
    with transaction() as connection:
        assert store.count_up_to(connection, days.now(), 9, source=None, state=None) == 0
    done = operator.post("/policy/import", data={**form, "do": "import"}).text
    assert dict(re.findall(counts, done)) == said
    assert 'data-testid="imported"' in done
    with transaction() as connection:
        assert store.count_up_to(connection, days.now(), 9999, source="carrier", state="active") == 950
    assert [act for act, _, _ in acts(transaction)] == ["do_not_call.import"]


def test_a_file_counts_before_what_was_pasted_and_one_that_is_too_large_is_refused(operator):
    file = {"file": ("名单.csv", "手机号,备注\n13812345678,投诉\n".encode("gb18030"), "text/csv")}
    page = operator.post("/policy/import", data={"source": "a", "numbers": "13900000000\n13900000001"}, files=file).text
    assert 'data-testid="lines">1<' in page
    large = {"file": ("l.txt", b"1" * 10_000_001, "text/plain")}
    assert operator.post("/policy/import", data={"source": "a"}, files=large).status_code == 422
    assert operator.post("/policy/import", data={"source": "a", "numbers": " "}).status_code == 422


def test_an_act_that_cannot_be_noted_in_the_audit_log_changes_nothing(operator, transaction):
    def everything():
        with transaction() as connection:
            return [
                connection.exec_driver_sql(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1").scalars().all()
                for table in ("do_not_call", "do_not_call_history", "contact_holidays", "audit_log")
            ]

    with transaction() as connection:
        do_not_call.add(connection, PHONE, source="complaint", by="li")
        holidays.declare(connection, dt.date(2027, 1, 1), "元旦", by="li")
        connection.exec_driver_sql(KEEPS_NO_NOTE)
    before, number = everything(), looked_up(operator)
    tried = {
        "/policy/do-not-call/add": {"phone": "13900000000", "source": "complaint", "reason": "asked"},
        f"{number}/add": {"source": "carrier", "reason": "asked"},
        f"{number}/remove": {"reason": "a mistake"},
        "/policy/import": {"numbers": "13900000000", "source": "a", "do": "import"},
        "/policy/holidays/2027-01-02": {"name": "holiday", "reason": "asked"},
        "/policy/holidays/2027-01-01/remove": {"reason": "asked"},
    }
    assert {act: operator.post(act, data=form).status_code for act, form in tried.items()} == dict.fromkeys(tried, 503)
    assert everything() == before


def test_a_month_shows_its_holidays_and_days_become_holidays_and_ordinary_again(operator, as_role, transaction):
    with transaction() as connection:
        holidays.declare(connection, dt.date(2027, 1, 1), EVIL)
    page = operator.get("/policy/calendar?month=2026-12").text
    assert "month=2026-11" in page
    assert "month=2027-01" in page
    january = operator.get("/policy/calendar?month=2027-01").text
    assert "<script>alert" not in january
    assert january.count("<td ") == 35
    act = "/policy/holidays/2027-02-17"
    assert operator.post(act, data={"name": "春节", "reason": "假期安排"}).headers["location"].endswith("month=2027-02")
    assert "春节" in as_role("viewer").get("/policy/calendar?month=2027-02").text
    assert "/policy/holidays/" not in as_role("viewer").get("/policy/calendar").text
    assert operator.post(f"{act}/remove").status_code == 303
    assert operator.post(f"{act}/remove").status_code == 404
    assert operator.post(act, data={"name": " "}).status_code == 422
    for month in ("2026-13", "x", "1026-01"):
        assert operator.get(f"/policy/calendar?month={month}").status_code == 422
    assert [act for act, _, _ in acts(transaction)] == ["holiday.remove", "holiday.add", "holiday.add"]


def test_the_rules_in_use_stand_with_their_setting_names_values_and_today_s_hours(as_role, console):
    page = as_role("viewer").get("/policy").text
    for name in ("hours", "breaks", "rolling", "calendar", "minimum_gap_s", "pair_gap_s", "number_kinds"):
        assert f"<code>{name}</code>" in page
    assert "5 分钟内最多 3 次; 24 小时内最多 5 次" in page
    assert 'class="chart hours"' in page
    assert "08:00-21:00" in page


def test_a_viewer_has_no_button_and_a_tenant_s_person_sees_nobody_else_s_configurations(as_role, console):
    viewer = as_role("viewer")
    assert 'data-testid="add"' not in viewer.get("/policy/do-not-call").text
    assert 'data-testid="tab-import"' not in viewer.get("/policy").text
    assert 'data-testid="add"' not in viewer.get(looked_up(viewer)).text
    link = console.link("tenant one", "operator", tenant_id=1, grants=["policy"])
    with httpx.Client(base_url=console.url, timeout=LIMIT_S, follow_redirects=True) as theirs:
        theirs.get(link)
        assert theirs.get("/policy").status_code == 200
        assert 'data-testid="policy-in-use"' in theirs.get("/policy").text


FACTS = {
    "do_not_call": Facts(blocked=True, blocked_by="complaint"),
    "do_not_call until": Facts(blocked=True, blocked_by="complaint", blocked_until=NOON + dt.timedelta(days=9)),
    "country": Facts(country="JP"),
    "country unknown": Facts(country=""),
    "number_kind": Facts(number_kind="service_number"),
    "pair_gap": Facts(pair_last=NOON),
    "minimum_gap": Facts(recent=(NOON,)),
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "hours": {"hours": "01:00-02:00"},
    "holiday": {"holidays": ["2026-11-20"]},
    "pair_gap": {"pair_gap_s": 5},
    "minimum_gap": {"minimum_gap_s": 600},
    "country none": {"countries": []},
    "number_kind none": {"number_kinds": []},
    "calendar_cap day": {"calendar": [[0, "day"]]},
    "calendar_cap week": {"calendar": [[0, "week"]]},
    "calendar_cap month": {"calendar": [[0, "month"]]},
    "rolling_cap seconds": {"rolling": [[0, "30s"]]},
    "rolling_cap minutes": {"rolling": [[0, "5m"]]},
    "rolling_cap hours": {"rolling": [[0, "23h"]]},
    "rolling_cap days": {"rolling": [[0, "2d"]]},
}


@pytest.mark.parametrize("case", [*FACTS, *(name for name in DOCUMENTS if name not in FACTS)])
def test_the_sentence_of_every_rule_is_read_in_chinese(case):
    policy = policy_from({"preset": "list_only", **DOCUMENTS.get(case, {})})
    verdict = rules.judge(policy, FACTS.get(case, Facts()), NOON)
    assert verdict.rule == case.split()[0]
    said = catalogue().say(verdict.reason, "zh")
    names = re.sub(r"complaint|JP|CN|list_only", "", said)
    assert not re.search(r"[a-z]", names), said
    assert f"policy.rule_{verdict.rule}" in catalogue().keys
