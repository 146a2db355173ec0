"""The pages of the notifications over HTTP: who sees and does what, what lists hold, what acts do, in both languages."""

import html
import re
import time

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.contract_ledger import parse
from calling_pipeline.notifications.contracts.generation import compose_all
from calling_pipeline.notifications.technicians.runs import run as run_technicians
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.console.notifications.conftest import deliver
from calling_pipeline_tests.notifications.world import ROBOTS, csv_bytes, row, states, statuses, write_ledger
from calling_pipeline_tests.support import LIMIT_S

PROBES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "' onmouseover='alert(1)")


@pytest.fixture
def viewer(as_role):
    return as_role("viewer")


@pytest.fixture
def operator(as_role):
    return as_role("operator")


def number(page, testid):
    return re.search(rf'data-testid="{testid}"[^>]*>\s*([^<]*?)\s*<', page.text)[1]


def count_of(page, testid):
    return page.text.count(f'data-testid="{testid}"')


def hidden(page):
    """The hidden fields of the act's form."""
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        if name not in ("csrf_token", "back")
    }


def done_run(operator, address):
    """The page of a run when it has ended."""
    until = time.monotonic() + LIMIT_S
    while 'data-testid="run-state">under way' in (page := operator.get(address)).text:
        assert time.monotonic() < until, "the run does not end"
        time.sleep(0.05)
    assert page.status_code == 200
    return page


def in_english(client):
    client.cookies.set("calling_language", "en")
    return client


def test_the_overview_shows_messages_rows_and_causes_with_what_to_do(operator, deps, judge, ledger):
    judge.rules(bad_keys=["key-sh"])
    deliver(deps, ledger)
    page = in_english(operator).get("/notifications")
    assert (number(page, "count-delivered"), number(page, "count-dead")) == ("1", "1")
    assert [number(page, f"rows-{state}") for state in ("yes", "waiting", "parked")] == ["1", "1", "1 lines"]
    assert "errcode 93000" in page.text
    assert "set the right key in CALLING_WECOM_ROBOTS" in page.text
    assert "contract_notifications" in page.text
    assert "key-sh" not in page.text
    live = operator.get("/notifications/live")
    assert 'id="now"' in live.text
    assert "<html" not in live.text


def test_technicians_are_beside_the_contracts_and_apart_from_them(operator, deps, judge, ledger, tmp_path):
    deliver(deps, ledger)
    changes = tmp_path / "changes.json"
    changes.write_text('[[7, "2026-11-20 10:00", "王师傅", "北京", null, ["上线"]]]', "utf-8")
    judge.rules(bad_keys=["key-bj"], unknown_users=["boss-bj"])
    deps.plan.technicians.__dict__["group"] = "北京"
    run_technicians(deps, created_by="a test", file=changes)
    contracts, technicians = operator.get("/notifications"), operator.get("/notifications/technicians")
    assert (number(contracts, "count-dead"), number(technicians, "count-dead")) == ("0", "2")
    assert "technician_notifications" in technicians.text
    assert 'data-testid="ledgers"' not in technicians.text
    listed = operator.get("/notifications/technicians/messages?state=dead")
    assert listed.text.count('name="ids"') == 2
    operator.post(
        "/notifications/technicians/settle",
        data={"state": "dead", "expect": 2, "settle_as": "abandoned", "reason": "known by now"},
    )
    assert states(deps.engine, "technician_messages") == {"abandoned": 2}


def test_a_list_is_filtered_by_state_receiver_kind_contract_and_day_and_exported(viewer, deps, judge, ledger):
    judge.rules(bad_keys=["key-sh"])
    write_ledger(ledger, [row(1, award="1"), row(2, city="上海"), row(3, **{"备注": "13812345678"})])
    deliver(deps, ledger)
    root = "/notifications/contracts/messages"

    def ids(**filters):
        page = viewer.get(root, params=filters)
        assert page.status_code == 200, page.text
        return re.findall(rf'<a href="{root}/(\d+)"', page.text)

    assert len(ids()) == 4
    assert ids(state="dead") == ids(receiver="robot:上海") == ids(subject="id-2")
    assert len(ids(kind="send_wechat_message")) == 1
    assert len(ids(**{"from": "2026-01-01", "to": "2026-01-02"})) == 0
    assert viewer.get(root, params={"state": "lost"}).status_code == 422
    assert viewer.get(root, params={"from": "someday"}).status_code == 422
    exported = viewer.get(root, params={"form": "csv", "state": "delivered"})
    assert len(exported.text.splitlines()) == 1 + 3
    assert "13812345678" not in exported.text


def test_the_page_of_a_message_has_its_text_attempts_reason_and_rows(viewer, deps, judge, ledger):
    judge.rules(bad_keys=["key-bj"])
    write_ledger(ledger, [row(1, **{"备注": "请致电 13812345678"})])
    deliver(deps, ledger)
    page = in_english(viewer).get("/notifications/contracts/messages/1")
    assert "签约喜报" in page.text
    assert "138****5678" in page.text
    assert "13812345678" not in page.text
    assert (number(page, "attempts"), number(page, "error")) == ("1", "errcode 93000 (invalid webhook url)")
    assert str(ledger) in page.text
    assert 'data-testid="redrive"' not in page.text
    assert viewer.get("/notifications/contracts/messages/99").status_code == 404


def test_a_preview_writes_nothing_and_names_lines_receivers_and_what_is_parked(viewer, deps, judge, ledger):
    page = in_english(viewer).get("/notifications/preview")
    assert [number(page, f"would-{what}") for what in ("make", "wait", "park", "withdraw")] == ["2", "0", "1", "0"]
    assert count_of(page, "previewed") == 2
    assert "no robot for 广州; set CALLING_WECOM_ROBOTS" in page.text
    assert (states(deps.engine), judge.messages()) == ({}, [])
    assert viewer.get("/notifications/preview", params={"ledger": "/etc/passwd"}).status_code == 404


def test_a_run_is_confirmed_with_its_number_and_goes_on_alone(operator, deps, judge, ledger):
    asked = in_english(operator).get("/notifications/run")
    form = hidden(asked)
    assert form == {"expect": "2"}
    assert operator.post("/notifications/run", data={"expect": 5}).status_code == 409
    assert judge.messages() == []
    begun = operator.post("/notifications/run", data=form)
    assert begun.status_code == 303
    page = done_run(operator, begun.headers["location"])
    assert [number(page, f"did-{what}") for what in ("messages", "delivered", "written_back", "parked")] == list("2221")
    assert statuses(ledger) == {"id-1": "Y", "id-2": "Y", "id-3": "N"}
    assert operator.post("/notifications/run", data=form).status_code == 409
    assert len(judge.messages()) == 2
    with deps.transaction() as connection:
        noted = connection.execute(
            sa.text("SELECT act, person, door, after ->> 'delivered' FROM audit_log WHERE act LIKE 'notify.%' ORDER BY id")
        ).all()
    assert [(act, door, delivered) for act, _, door, delivered in noted] == [
        ("notify.run", "console", None),
        ("notify.end", "console", "2"),
    ]


def test_two_runs_at_once_send_nothing_twice(operator, deps, judge, ledger, simulator):
    write_ledger(ledger, [row(number) for number in range(1, 40)])
    simulator.plant("slow", path="webhook/send", seconds=0.05, times=40)
    first = operator.post("/notifications/run", data={"expect": 39})
    again = operator.post("/notifications/run", data={"expect": 0})
    deliver(deps, ledger)
    done_run(in_english(operator), first.headers["location"])
    if again.status_code == 303:
        done_run(operator, again.headers["location"])
    deliver(deps, ledger)
    assert states(deps.engine) == {"delivered": 39}
    assert max(judge.counted().values()) == 1


def test_dead_letters_of_one_cause_go_out_again_once_and_in_order(operator, viewer, deps, judge, ledger):
    judge.rules(bad_keys=["key-bj"])
    write_ledger(ledger, [row(number) for number in range(1, 6)])
    deliver(deps, ledger)
    judge.rules(bad_keys=[])
    address = "/notifications/contracts/redrive?state=dead&cause=errcode+93000"
    assert viewer.get(address).status_code == 403
    asked = in_english(operator).get(address)
    assert count_of(asked, "sample") == 1
    form = {**hidden(asked), "per_minute": 10_000, "reason": "the key is right now"}
    assert form["expect"] == "5"
    for wrong in ({"expect": 4}, {"reason": ""}, {"per_minute": 0}):
        assert operator.post("/notifications/contracts/redrive", data={**form, **wrong}).status_code in (409, 422)
    assert operator.post("/notifications/contracts/redrive", data=form).status_code == 303
    assert operator.post("/notifications/contracts/redrive", data=form).status_code == 409
    until = time.monotonic() + LIMIT_S
    while states(deps.engine) != {"delivered": 5} and time.monotonic() < until:
        deliver(deps, ledger)
    assert [re.search(r"北京-(\d+)", text)[1] for _, text in judge.messages()] == [f"{number:05d}" for number in range(1, 6)]
    with deps.transaction() as connection:
        noted = connection.execute(sa.text("SELECT door, reason FROM audit_log WHERE act = 'message.redrive'")).all()
    assert noted == [("console", "the key is right now")]


def test_unknown_messages_are_settled_ticked_or_all_that_match(operator, deps, judge, ledger, simulator):
    write_ledger(ledger, [row(number) for number in range(1, 5)])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=4)
    deliver(deps, ledger)
    assert states(deps.engine) == {"unknown": 4}
    page = in_english(operator).get("/notifications/contracts/messages?state=unknown")
    assert count_of(page, "all-settle") == 1
    asked = operator.get("/notifications/contracts/settle?ids=1&ids=2")
    ids = re.findall(r'name="ids" value="(\d+)"', asked.text)
    base = {"reason": "seen in the group"}
    ticked = {**base, "ids": ids, "expect": 2, "settle_as": "delivered"}
    assert operator.post("/notifications/contracts/settle", data={**ticked, "settle_as": "lost"}).status_code == 422
    assert operator.post("/notifications/contracts/settle", data=ticked).status_code == 303
    assert states(deps.engine) == {"unknown": 2, "delivered": 2}
    rest = hidden(operator.get("/notifications/contracts/settle?state=unknown"))
    assert operator.post("/notifications/contracts/settle", data={**base, **rest, "settle_as": "retry"}).status_code == 303
    deliver(deps, ledger)
    assert states(deps.engine) == {"delivered": 4}
    assert sorted(judge.counted().values()) == [1, 1, 2, 2]  # what a person says did not arrive is sent again


def test_a_contract_set_back_is_kept_or_announced_again_by_name(operator, viewer, deps, judge, ledger):
    deliver(deps, ledger)
    write_ledger(ledger, [row(1), row(2, city="上海"), row(3, city="广州")])
    deliver(deps, ledger)
    page = in_english(operator).get("/notifications/questions")
    assert count_of(page, "question") == 2
    assert 'data-testid="resend"' not in viewer.get("/notifications/questions").text
    kept = hidden(operator.get("/notifications/keep?id=id-2"))
    assert kept == {"id": "id-2", "expect": "1"}
    assert operator.post("/notifications/keep", data={**kept, "expect": 2}).status_code == 409
    assert operator.post("/notifications/keep", data=kept).status_code == 303
    order = {"id": "id-1", "reason": "the group was the wrong one"}
    assert operator.post("/notifications/resend", data=order).headers["location"] == "/notifications/contract?id=id-1"
    assert operator.post("/notifications/resend", data=order).status_code == 303
    assert operator.post("/notifications/resend", data={**order, "id": "id-9"}).status_code == 404
    deliver(deps, ledger)
    assert statuses(ledger) == {"id-1": "Y", "id-2": "Y", "id-3": "N"}
    assert len(judge.messages()) == 3
    assert count_of(operator.get("/notifications/contract?id=id-1"), "text") == 2


def test_rows_that_contradict_each_other_show_their_lines_until_the_file_is_mended(viewer, deps, judge, ledger):
    write_ledger(ledger, [row(1), row(1, **{"备注": "无"}), row(2)])
    deliver(deps, ledger)
    page = in_english(viewer).get("/notifications/questions")
    assert count_of(page, "contradiction") == 1
    assert "stands in lines 2, 3, which differ in 备注" in page.text
    assert count_of(viewer.get("/notifications/parked"), "parked-lines") == 1
    write_ledger(ledger, [row(1), row(2)])
    deliver(deps, ledger)
    assert count_of(viewer.get("/notifications/questions"), "contradiction") == 0
    assert count_of(viewer.get("/notifications/parked"), "parked-lines-empty") == 1


def test_contracts_are_listed_by_ledger_and_state(viewer, deps, judge, ledger):
    deliver(deps, ledger)
    counted = {
        state: len(re.findall(r'"/notifications/contract\?id=', viewer.get(f"/notifications/contracts?state={state}").text))
        for state in ("yes", "waiting", "asked", "parked")
    }
    assert counted == {"yes": 2, "waiting": 0, "asked": 0, "parked": 1}
    assert "id-2" in viewer.get("/notifications/contracts", params={"ledger": str(ledger), "contract": " id-2 "}).text
    assert viewer.get("/notifications/contracts?state=lost").status_code == 422
    assert viewer.get("/notifications/contract?id=id-9").status_code == 404


def test_robots_are_named_without_keys_with_their_use_and_what_is_missing(viewer, deps, judge, ledger):
    judge.rules(bad_keys=["key-sh"])
    deliver(deps, ledger)
    page = in_english(viewer).get("/notifications/robots")
    assert count_of(page, "receiver") == 4
    assert "key-bj" not in page.text
    assert "boss-bj" not in page.text
    assert "Robot of the group: 广州" in page.text
    assert "Add 广州 (or default) to CALLING_WECOM_ROBOTS" in page.text
    assert "errcode 93000" in page.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_texts_from_a_ledger_are_shown_as_text_everywhere(operator, deps, judge, ledger, language):
    operator.cookies.set("calling_language", language)
    columns = ("合同编号(contractdocNum)", "管家(serviceHousekeeper)", "备注")
    bad = [
        {"合同ID(_id)": f"{probe}{place}", **dict.fromkeys(columns, probe), "激活奖励状态": "1", "奖励名称": probe}
        for place, probe in enumerate(PROBES)
    ]
    parked = [{**one, "合同ID(_id)": f"{one['合同ID(_id)']}p", "管家累计单数": PROBES[0]} for one in bad]
    twice = [{**bad[0], "合同ID(_id)": f"{PROBES[1]}t", "备注": note} for note in PROBES[:2]]
    rows = [row(number, **one) for number, one in enumerate([*bad, *parked, *twice], 1)]
    write_ledger(ledger, [*rows, row(90, city=PROBES[0])])
    judge.rules(bad_keys=["key-bj"])
    pages = [operator.get("/notifications/preview"), operator.get("/notifications/run")]
    deliver(deps, ledger)
    root = "/notifications/contracts"
    addresses = [f"{root}/messages", f"{root}/messages?state=dead", f"{root}/messages/1", root, f"{root}/redrive?state=dead"]
    addresses += [f"/notifications/{one}" for one in ("live", "parked", "questions", "robots", "preview", "run")]
    addresses += [f"{root}/settle?state=dead", f"{root}/messages?subject={PROBES[1]}&cause={PROBES[0]}&receiver={PROBES[0]}"]
    pages += [operator.get(address) for address in addresses]
    for probe in PROBES:
        for contract in (f"{probe}0", f"{probe}0p", f"{probe}t"):
            pages += [operator.get("/notifications/contract", params={"id": contract})]
            pages += [operator.get(f"/notifications/{act}", params={"id": contract}) for act in ("resend", "keep")]
    for page in pages:
        assert page.status_code in (200, 404), page.text
        for raw in (PROBES[0], PROBES[1], PROBES[3]):
            assert raw not in page.text, page.request.url
        assert "{{7*7}}" in page.text or "7*7" not in page.text
    assert any("&lt;script&gt;" in page.text for page in pages)


def test_every_reason_of_a_parked_line_is_said_in_chinese(deps):
    lines = [
        row(1, **{"合同ID(_id)": ""}),
        row(2, notified="x"),
        row(3, award="7"),
        row(4, **{"合同ID(_id)": "x" * 201}),
        row(5, **{"备注": "a\x00b"}),
        row(6),
        row(6, **{"备注": "无"}),
    ]
    content = csv_bytes(lines) + b'"id,never\r\n' + b'a"b,"c"d\r\n' + b"a,b\r\n" + b"\xff" * 9 + b"," * 15
    reasons = [line.reason for line in parse(content).parked]
    plan, names = deps.plan, Names({}, {})
    for change in ({"管家累计单数": "x"}, {"管家累计单数": ""}, {"管家累计金额": "??"}, {"转化率(conversion)": "abc"}):
        reasons += [contract.unfit for contract in parse(csv_bytes([row(7, **change)])).contracts]
    for city in ("广州", ""):
        for one in parse(csv_bytes([row(8, city=city, award="1")])).contracts:
            for known in (names, Names(ROBOTS | {"广州": "k", "default": "k"}, {})):
                with pytest.raises(Exception, match=r"set CALLING_WECOM") as refused:
                    compose_all(one, one.kinds, plan, known, ledger="c.csv", day=days.today())
                reasons.append(str(refused.value))
    assert len(set(reasons)) >= 14
    unsaid = [reason for reason in reasons if catalogue().say(reason, "zh") == reason]
    assert unsaid == []


def test_every_error_of_a_message_is_said_in_chinese(deps, judge, ledger, simulator, operator):
    said = catalogue()
    write_ledger(ledger, [row(1), row(2, city="上海"), row(3, award="1")])
    judge.rules(bad_keys=["key-sh"], unknown_users=["boss-bj"])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=1)
    deliver(deps, ledger)
    with deps.transaction() as connection:
        errors = connection.execute(
            sa.text("SELECT last_error FROM contract_messages WHERE last_error IS NOT NULL")
        ).scalars()
        errors = [*errors, "CALLING_WECOM_ROBOTS knows no 北京; add it and redrive", "HTTP 503", "errcode 45009 (limit)"]
    errors += ["given up after 12 attempts: errcode 301019 (x)", "the process ended before the outcome was recorded"]
    assert len(errors) >= 7
    assert [error for error in errors if error != "HTTP 503" and said.say(error, "zh") == error] == []
    page = operator.get("/notifications")
    assert "群机器人地址无效" in page.text
    refused = operator.post("/notifications/run", data={"expect": 77})
    assert "现在运行会生成" in refused.text
