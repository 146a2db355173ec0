"""The pages of the task ledger over HTTP: lists, one task, and an edit with its reason."""

import re

import pytest

from calling_pipeline.access.audit import store as audit
from calling_pipeline.task_ledger import store
from calling_pipeline.task_ledger.ledger import find, save_task_details
from calling_pipeline.task_ledger.records import STATES, TaskDetails
from calling_pipeline.texts.catalogue import catalogue

EVIL = '"><img src=x onerror=alert(1)>{{7*7}}'


@pytest.fixture
def transaction(console):
    return console.runtime.transaction


@pytest.fixture
def tasks(transaction):
    with transaction() as connection:
        for n in range(90):
            save = TaskDetails(f"batch:{n}", "call_batches", STATES[n % 3], credits=2, free=False, details={"rows": n})
            save_task_details(connection, save)
        save_task_details(
            connection, TaskDetails("odd id/?#&", EVIL[:50], "pending", details={EVIL: EVIL, "p": "13812345678"})
        )


def test_tasks_are_filtered_sorted_paged_and_exported(tasks, as_role):
    viewer = as_role("viewer")
    page = viewer.get("/ledger").text
    assert "共 91 行" in page
    assert "<img src=x" not in page
    assert "共 30 行" in viewer.get("/ledger?state=failed").text
    assert "共 11 行" in viewer.get("/ledger?id=batch:1*").text
    assert "共 1 行" in viewer.get("/ledger?id=batch:17").text
    ordered = viewer.get("/ledger?sort=-task&id=batch:*").text
    assert ordered.index("batch:9<") < ordered.index("batch:88<")
    assert len(viewer.get("/ledger?state=pending&form=csv").text.splitlines()) == 32
    assert viewer.get("/ledger?state=gone").status_code == 422
    assert "没有符合条件的任务" in viewer.get("/ledger?to=2001-01-01").text


def test_usage_is_summed_by_day_and_feature(tasks, as_role):
    viewer = as_role("viewer")
    page = viewer.get("/ledger/usage").text
    assert re.search(r'data-testid="total-credits">60<', page)
    assert re.search(r'data-testid="total-created">91<', page)
    assert "<img src=x" not in page
    assert viewer.get("/ledger/usage?from=2020-01-01&to=2026-01-01").status_code == 422
    assert len(viewer.get("/ledger/usage?form=csv").text.splitlines()) == 3


def test_one_task_shows_its_details_masked_and_nothing_of_them_as_a_page(tasks, as_role):
    viewer = as_role("viewer")
    address = re.search(r'href="(/ledger/task\?id=odd[^"]+)"', viewer.get("/ledger?id=odd*").text)[1]
    page = viewer.get(address).text
    assert "138****5678" in page
    assert "13812345678" not in page
    assert "<img src=x" not in page
    assert 'data-testid="edit"' not in page
    assert viewer.get("/ledger/task?id=nothing").status_code == 404


def test_an_edit_is_kept_with_its_reason_and_what_is_refused_is_said_and_kept(tasks, as_role, transaction):
    operator = as_role("operator")
    edit = {
        "id": "batch:0",
        "state": "completed",
        "credits": "5",
        "details": '{"note": "by hand"}',
        "reason": "the script died",
    }
    assert operator.post("/ledger/edit", data={**edit, "reason": " "}).status_code == 422
    assert operator.post("/ledger/edit", data={**edit, "details": "[1]"}).status_code == 422
    assert operator.post("/ledger/edit", data={**edit, "credits": "-1"}).status_code == 422
    assert operator.post("/ledger/edit", data=edit).headers["location"] == "/ledger/task?id=batch:0"
    with transaction() as connection:
        task = find(connection, "batch:0")
        assert (task.state, task.charged, task.details) == ("completed", 5, {"rows": 0, "note": "by hand"})
        rows, _ = audit.entries(connection, subject="task:batch:0", limit=5)
    assert [(row.act, row.door, row.reason) for row in rows] == [("ledger.edit", "console", "the script died")]
    page = operator.get("/ledger/task?id=batch:0").text
    assert "the script died" in page
    assert 'data-testid="edit"' not in page, "completed is final"
    back = operator.post("/ledger/edit", data={**edit, "state": "failed"})
    assert back.status_code == 409
    assert "状态为已完成的任务不能改为失败" in back.text
    with transaction() as connection:
        assert [one.to_state for one in store.refusals(connection, task_id="batch:0")] == ["failed"]
    assert "状态为已完成的任务不能改为失败" in operator.get("/ledger/refusals?kind=transition").text
    assert operator.post("/ledger/edit", data={**edit, "id": "nothing"}).status_code == 404


def test_every_reason_of_a_refusal_is_read_in_chinese(transaction):
    saves = (
        TaskDetails("a", "f", "completed", credits=3, free=False, charge_key="one"),
        TaskDetails("a", "f", "failed"),
        TaskDetails("a", "other", "completed"),
        TaskDetails("a", "f", "completed", account="li"),
        TaskDetails("a", "f", "completed", credits=4),
        TaskDetails("b", "f", "completed", credits=3, free=False, charge_key="one"),
    )
    with transaction() as connection:
        for save in saves:
            save_task_details(connection, save)
        reasons = [one.reason for one in store.refusals(connection)]
    assert len(reasons) == 5
    for reason in reasons:
        assert re.search(r"[\u4e00-\u9fff]", catalogue().say(reason, "zh")), reason


def test_accounts_are_counted_once_for_all_who_look_and_one_account_is_counted_at_once(console, as_role, transaction):
    viewer, started = as_role("viewer"), TaskDetails("a1", "page", "completed", credits=2, by="zhang")
    with transaction() as connection:
        save_task_details(connection, started)
    first = viewer.get("/ledger/accounts").text
    assert "zhang" in first
    with transaction() as connection:
        save_task_details(connection, TaskDetails("a2", "page", "completed", credits=5, by="later"))
    assert "later" not in viewer.get("/ledger/accounts").text
    assert "later" in viewer.get("/ledger/accounts?account=later").text
    assert "later" in viewer.get("/ledger/accounts?form=csv").text
