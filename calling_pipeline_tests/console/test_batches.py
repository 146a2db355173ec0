"""The pages of the batches over HTTP: cards, acts, rows, settling, calling tasks, running one."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

import calling_pipeline
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.calls.records import About, LogOutcome
from calling_pipeline.call_batches.records import REASONS, CallState
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.records import CallState as LineState
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.call_batches.desk import ALL_DAY, MAPPING, phone
from calling_pipeline_tests.console.batches import desk_of, make_unknown, planned

PROBES = ("<script>alert(1)</script>", '"><img onerror=alert(1)>', "{{7*7}}")


@pytest.fixture
def console_runtime(console_runtime):
    needed = {"gateway_event_code": "event", "gateway_target_obj_id": "target", "gateway_rate_per_s": 5000}
    made = Runtime(console_runtime.settings.model_copy(update=needed))
    yield made
    made.close()


@pytest.fixture
def desk(console, simulator):
    return desk_of(console, simulator)


def figure(page, testid):
    found = re.search(rf'data-testid="{testid}">(?:<[^>]*>)*([^<]*)', page.text)
    return None if found is None else found[1].strip()


def test_a_batch_is_a_card_reconciled_to_zero_as_the_api_says(desk, as_role):
    batch = planned(desk)
    page = as_role("viewer").get("/batches")
    assert figure(page, "source-rows") == "7"
    assert figure(page, "pending") == "5"
    assert figure(page, "not-called") == "2"
    assert figure(page, "difference") == "0"
    said = as_role("viewer").get(f"/api/v1/calls/batches/{batch.id}").json()["data"]["reconciliation"]
    assert (said["source_rows"], said["calls"], said["difference"]) == (7, {"pending": 5}, 0)
    assert phone(1) not in page.text


def test_batches_that_are_not_over_stand_before_the_others_and_a_filter_narrows_them(desk, as_role):
    over, open_one = planned(desk, 1), planned(desk, 2, "second")
    desk.push(over)
    viewer = as_role("viewer")
    text = viewer.get("/batches").text
    assert text.index(f'data-testid="batch-{open_one.id}"') < text.index(f'data-testid="batch-{over.id}"')
    assert f'data-testid="batch-{over.id}"' not in viewer.get("/batches?state=planned").text
    assert f'data-testid="batch-{open_one.id}"' not in viewer.get("/batches?task=new+orders").text
    assert 'data-testid="empty"' in viewer.get("/batches?day=2020-01-01").text
    assert viewer.get("/batches?state=nothing").status_code == 422


def test_what_the_page_shows_of_a_batch_that_is_over_follows_a_settlement(desk, as_role):
    batch = planned(desk, 3)
    make_unknown(desk, batch)
    operator = as_role("operator")
    assert figure(operator.get("/batches"), "unknown") == "3"
    with desk.engine.begin() as connection:  # not through the console
        lifecycle.settle(connection, "done", batch_id=batch.id, by="li", note="")
    page = operator.get("/batches")
    assert (figure(page, "unknown"), figure(page, "pushed")) == (None, "3")


def test_pausing_says_what_it_touches_asks_why_and_is_in_the_audit_log(desk, as_role):
    batch = planned(desk)
    operator = as_role("operator")
    asked = operator.get(f"/batches/{batch.id}/pause")
    assert figure(asked, "touches-pending") == "5"
    assert "138****0001" in asked.text
    answer = operator.post(f"/batches/{batch.id}/pause", data={"reason": "the customer asked"})
    assert answer.status_code == 303
    page = operator.get(answer.headers["location"])
    assert figure(page, "state") == "已暂停"
    assert "由 " in page.text
    assert "the customer asked" in page.text
    noted = desk.rows("SELECT act, door, reason FROM audit_log WHERE act = 'batch.pause'")
    assert [tuple(row) for row in noted] == [("batch.pause", "console", "the customer asked")]


def test_of_two_people_who_pause_and_cancel_the_slower_gets_a_plain_sentence(desk, as_role):
    batch = planned(desk)
    first, second = as_role("operator"), as_role("admin")
    second.get(f"/batches/{batch.id}/pause")
    assert first.post(f"/batches/{batch.id}/cancel", data={"reason": "wrong table"}).status_code == 303
    late = second.post(f"/batches/{batch.id}/pause")
    assert late.status_code == 409
    assert f"批次 {batch.id} 现为已取消，不能再改为已暂停" in late.text
    assert figure(first.get(f"/batches/{batch.id}"), "state") == "已取消"
    assert desk.outcome(batch).states == {"skipped": 7}


def test_a_batch_is_not_cancelled_without_a_reason(desk, as_role):
    batch = planned(desk)
    assert as_role("operator").post(f"/batches/{batch.id}/cancel", data={"reason": ""}).status_code == 422
    assert desk.outcome(batch).states["pending"] == 5


def test_a_live_part_is_read_once_for_all_and_anew_after_an_act(desk, as_role, console):
    batch = planned(desk)
    operator = as_role("operator")
    assert figure(operator.get(f"/batches/{batch.id}/live"), "state") == "已计划"
    operator.post(f"/batches/{batch.id}/pause")
    assert figure(as_role("viewer").get(f"/batches/{batch.id}/live"), "state") == "已暂停"
    assert "<html" not in operator.get("/batches/live").text


def test_rows_are_filtered_by_state_and_reason_and_exported_masked(desk, as_role):
    batch = planned(desk, 60)
    viewer = as_role("viewer")
    assert viewer.get(f"/batches/{batch.id}/rows").text.count("<tr>") == 51
    second = viewer.get(f"/batches/{batch.id}/rows?page=2").text
    assert second.count("<tr>") == 13
    assert "51–62" in second
    assert viewer.get(f"/batches/{batch.id}/rows?reason=duplicate").text.count("<tr>") == 2
    assert viewer.get(f"/batches/{batch.id}/rows?state=pending&page=2").text.count("<tr>") == 11
    csv = viewer.get(f"/batches/{batch.id}/rows?form=csv&state=skipped").text
    assert len(csv.splitlines()) == 3
    assert "无号码" in csv
    assert phone(1) not in csv
    assert viewer.get(f"/batches/{batch.id}/rows?reason=nothing").status_code == 422
    assert viewer.get("/batches/999/rows?form=csv").status_code == 404


def test_an_export_of_more_rows_than_one_read_holds_each_row_once(desk, as_role):
    batch = planned(desk, 2500)
    lines = as_role("viewer").get(f"/batches/{batch.id}/rows?form=csv").text.splitlines()
    assert [int(line.split(",")[0]) for line in lines[1:]] == list(range(1, 2503))


def test_ticked_unknown_calls_are_settled_and_the_others_stay(desk, as_role):
    batch = planned(desk, 4)
    make_unknown(desk, batch)
    ids = [row.id for row in desk.rows("SELECT id FROM call_tasks WHERE state = 'unknown' ORDER BY id")]
    operator = as_role("operator")
    asked = operator.get(f"/batches/{batch.id}/settle", params={"call": ids[:2]})
    assert "将确认 2 个" in asked.text
    form = {"which": "ticked", "call": ids[:2], "settle_as": "pushed", "note": "in the gateway's list"}
    assert operator.post(f"/batches/{batch.id}/settle", data=form).status_code == 303
    assert desk.outcome(batch).states == {"pushed": 2, "unknown": 2, "skipped": 2}
    assert operator.get(f"/batches/{batch.id}/settle").status_code == 422


def test_all_unknown_calls_are_settled_in_steps_that_each_stand(desk, as_role):
    batch = planned(desk, 450)
    make_unknown(desk, batch)
    operator = as_role("operator")
    form = {"which": "all", "total": 450, "settle_as": "pushed", "note": "asked"}
    first = operator.post(f"/batches/{batch.id}/settle", data=form)
    assert figure(first, "settled-so-far") == "已确认 200 / 450 个"
    assert desk.outcome(batch).states["pushed"] == 200
    operator.post(f"/batches/{batch.id}/settle", data={**form, "done": 200})
    assert operator.post(f"/batches/{batch.id}/settle", data={**form, "done": 400}).status_code == 303
    assert desk.outcome(batch).states == {"pushed": 450, "skipped": 2}


def test_settling_all_is_refused_when_another_number_is_unknown_by_then(desk, as_role):
    batch = planned(desk, 3)
    make_unknown(desk, batch)
    form = {"which": "all", "total": 2, "settle_as": "retry", "note": ""}
    late = as_role("operator").post(f"/batches/{batch.id}/settle", data=form)
    assert late.status_code == 409
    assert "现在有 3 个结果不明的呼叫，不是 2 个" in late.text
    assert desk.outcome(batch).states["unknown"] == 3


def test_calls_refused_for_our_account_are_requeued_with_a_reason(desk, as_role, simulator):
    batch = planned(desk, 2)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE call_tasks SET state = 'refused', resp_code = '9001', distinct_id = 'd' || id, claimed_at = now()"
            " WHERE state = 'pending'"
        )
        connection.exec_driver_sql("UPDATE call_batches SET state = 'completed'")
    operator = as_role("operator")
    assert "9001" in operator.get(f"/batches/{batch.id}/requeue").text
    assert operator.post(f"/batches/{batch.id}/requeue", data={"code": "9001", "reason": " "}).status_code == 422
    answer = operator.post(f"/batches/{batch.id}/requeue", data={"code": "9001", "reason": "there is credit again"})
    assert answer.status_code == 303
    assert desk.outcome(batch).states["pending"] == 2


def form_of(**changes):
    return {"name": "orders", "cron": "0 0 9 * * ?", **MAPPING, "preset": "list_only", "enabled": "true", **changes}


def test_a_calling_task_is_made_edited_switched_and_deleted_on_pages(desk, as_role):
    desk.work_orders([phone(1)])
    operator = as_role("operator")
    made = operator.post("/batches/tasks/new", data=form_of(recall_days="30", rate_per_s="7.5", hours="09:00-19:00"))
    assert made.status_code == 303
    page = operator.get(made.headers["location"]).text
    assert 'value="30"' in page
    assert 'value="7.5"' in page
    assert 'value="09:00-19:00"' in page
    task = desk.one("SELECT policy FROM calling_tasks")
    assert task == {"preset": "list_only", "hours": "09:00-19:00"}
    operator.post(made.headers["location"], data=form_of(name="renamed", enabled=""))
    operator.post(made.headers["location"] + "/switch", data={"on": "true"})
    assert [tuple(row) for row in desk.rows("SELECT name, enabled, recall_days FROM calling_tasks")] == [
        ("renamed", True, None)
    ]
    operator.post(made.headers["location"] + "/delete")
    assert desk.rows("SELECT 1 FROM calling_tasks") == []
    acts = [row.act for row in desk.rows("SELECT act FROM audit_log WHERE door = 'console' ORDER BY id")]
    assert acts == ["task.add", "task.edit", "task.enable", "task.remove"]


def test_a_wrong_field_is_refused_in_the_form_and_a_task_with_batches_is_not_deleted(desk, as_role):
    batch = planned(desk)
    operator = as_role("operator")
    for wrong in ({"cron": "every day"}, {"recall_days": "x"}, {"source_table": "nothing"}, {"policy": "[1]"}, {"name": ""}):
        assert operator.post("/batches/tasks/new", data=form_of(**wrong)).status_code == 422, wrong
    address = f"/batches/tasks/{batch.calling_task_id}/delete"
    assert "它有 1 个批次" in operator.get(address).text
    assert operator.post(address).status_code == 409


def test_the_draft_shows_columns_masked_rows_and_the_next_five_ticks(desk, as_role):
    desk.work_orders([phone(1), "=1+1", None])
    page = as_role("operator").post("/batches/tasks/draft", data=form_of()).text
    assert re.search(r'<option value="mobile" selected', page)
    assert "138****0001" in page
    assert phone(1) not in page
    assert page.count("<li>周") == 5
    page = as_role("operator").post("/batches/tasks/draft", data=form_of(with_card="true"))
    assert figure(page, "to-call") == "1"
    assert desk.rows("SELECT 1 FROM calling_tasks") == []


def test_the_draft_of_a_wrong_or_foreign_source_says_why_and_reads_nothing(desk, as_role):
    desk.work_orders([phone(1)])
    operator = as_role("operator")
    for changes in (
        {"source_schema": "public"},
        {"source_table": 'work_orders"; DROP TABLE calling_tasks; --'},
        {"mobile_phone": '"x" FROM crm.work_orders; --'},
    ):
        page = operator.post("/batches/tasks/draft", data=form_of(**changes, with_card="true")).text
        assert 'data-testid="source-error"' in page, changes
        assert 'data-testid="sample"' not in page
    assert desk.rows("SELECT 1 FROM calling_tasks") == []


def test_columns_with_odd_names_are_read_as_names(desk, as_role):
    odd = 'a"b%c:d {{7*7}} <script>'
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA crm")
        quoted = odd.replace('"', '""').replace("%", "%%")
        connection.exec_driver_sql(f'CREATE TABLE crm.odd ("{quoted}" text)')
        connection.exec_driver_sql(f"INSERT INTO crm.odd VALUES ('{phone(7)}')")
    form = {"name": "odd", "cron": "0 9 * * *", "source_schema": "crm", "source_table": "odd", "mobile_phone": odd}
    page = as_role("operator").post("/batches/tasks/draft", data=form).text
    assert "138****0007" in page
    assert "<script>" not in page.replace('<script src="', "")
    assert "{{7*7}}" in page


def test_a_run_is_a_dry_run_first_and_calls_as_many_as_were_previewed(desk, as_role):
    desk.work_orders([phone(1), phone(2), None])
    task = desk.task()
    operator = as_role("operator")
    at_once = operator.get(f"/batches/tasks/{task.id}/run").text
    assert f'href="/batches/tasks/{task.id}/run?counted=true" data-testid="count"' in at_once
    assert 'data-testid="to-call"' not in at_once
    page = operator.get(f"/batches/tasks/{task.id}/run?counted=true")
    assert figure(page, "to-call") == "2"
    assert figure(page, "reason-blank") == "1"
    assert desk.rows("SELECT 1 FROM call_batches") == []
    desk.work_orders([phone(3)])
    stale = operator.post(f"/batches/tasks/{task.id}/run", data={"to_call": "2"})
    assert stale.status_code == 409
    assert "现在会拨打 3 人，不是 2 人" in stale.text
    assert desk.rows("SELECT 1 FROM call_batches") == []
    done = operator.post(f"/batches/tasks/{task.id}/run", data={"to_call": "3", "reason": "campaign"})
    assert done.status_code == 303
    batch = desk.rows("SELECT id, state, resume_at <= now() AS due FROM call_batches")[0]
    assert (batch.state, batch.due) == ("waiting", True)
    assert desk.gateway_calls() == []
    noted = desk.rows("SELECT door, reason FROM audit_log WHERE act = 'batch.run'")
    assert [tuple(row) for row in noted] == [("console", "campaign")]


def test_no_run_is_offered_when_the_gateway_is_not_set_up(desk, as_role, console):
    desk.work_orders([phone(1)])
    task = desk.task()
    console.runtime.settings.__dict__["gateway_event_code"] = ""
    operator = as_role("operator")
    page = operator.get(f"/batches/tasks/{task.id}/run?counted=true").text
    assert "CALLING_GATEWAY_EVENT_CODE" in page
    assert 'data-testid="act-form"' not in page
    assert operator.post(f"/batches/tasks/{task.id}/run", data={"to_call": "1"}).status_code >= 400
    assert desk.rows("SELECT 1 FROM call_batches") == []


@pytest.mark.parametrize("probe", PROBES)
def test_texts_from_outside_are_only_text(desk, as_role, probe):
    desk.work_orders([phone(1), probe], table="t<b>")
    task = desk.task(probe, source_table="t<b>", remark=probe, policy=ALL_DAY)
    batch = desk.plan(probe)
    operator = as_role("operator")
    operator.post(f"/batches/{batch.id}/pause", data={"reason": probe})
    for path in (
        "/batches",
        f"/batches/{batch.id}",
        f"/batches/{batch.id}/rows",
        f"/batches/{batch.id}/cancel",
        "/batches/tasks",
        f"/batches/tasks/{task.id}",
        f"/batches/tasks/{task.id}/run?counted=true",
        f"/batches/tasks/{task.id}/delete",
    ):
        text = operator.get(path).text
        assert (probe in text) == (probe == "{{7*7}}"), path


def test_every_reason_is_said_in_chinese():
    assert [text for text in REASONS.values() if catalogue().say(text, "zh") == text] == []


def test_no_phrase_of_the_batches_is_written_twice():
    folder = Path(calling_pipeline.__file__).parent / "texts" / "phrases"
    english = [one["en"] for one in tomllib.loads((folder / "batches.toml").read_text("utf-8"))["phrase"]]
    assert len(english) == len(set(english))


def test_what_a_batch_says_of_itself_is_said_in_chinese():
    for sentence in (
        "paused by li: the customer asked",
        "the gateway refused 10 calls in a row with code 9001: no credit and none was accepted; look at CALLING_X",
        "outside the calling hours",
        "expired: what was not called by then is not called any more",
        "batch 7 does not start: CALLING_A is empty, and the gateway refuses every call without: set them; nobody was"
        " called",
    ):
        assert catalogue().say(sentence, "zh") != sentence
        assert re.search(r"[一-鿿]", catalogue().say(sentence, "zh"))


def test_why_a_number_was_called_is_asked_in_a_form_and_answered_masked(desk, as_role):
    batch = planned(desk, 2)
    desk.push(batch)
    viewer = as_role("viewer")
    assert 'data-testid="timeline"' not in viewer.get("/batches/why").text
    page = viewer.post("/batches/why", data={"phone": phone(1)})
    assert figure(page, "why-number") == "138****0001"
    assert "1 次" in page.text
    assert page.text.count('data-kind="row"') == 2
    assert page.text.count('data-kind="log"') == 1
    assert phone(1) not in page.text
    assert viewer.post("/batches/why", data={"phone": "8888"}).status_code == 422
    assert viewer.post("/batches/why", data={"phone": PROBES[1]}).text.count("<img") == 0


def test_whatever_a_room_says_of_a_number_has_a_word():
    known = catalogue().keys
    kinds = {
        "row": get_args(CallState),
        "log": get_args(LogOutcome),
        "refusal": get_args(About),
        "telephony": get_args(LineState),
        "contact": ("call_batches", "telephony"),
        "do_not_call": ("added", "ended", "changed"),
        "record": ("not_dialled", "not_connected", "connected", "not_known"),
        "result": ("not_dialled", "not_connected", "connected"),
        "import": ("called",),
    }
    wanted = {f"batches.seen_{kind}_{state}" for kind, states in kinds.items() for state in states}
    assert {key for key in known if key.startswith("batches.seen_")} == wanted
    assert {f"batches.kind_{kind}" for kind in kinds} <= known
