"""What people do to calling tasks and batches is in the audit log: who, through which door, why, before and after."""

import json

import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline.access.audit import store as audit
from calling_pipeline.access.people.people import add, change
from calling_pipeline.api.app import create_app
from calling_pipeline.cli.main import main
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S


@pytest.fixture
def run(desk, monkeypatch):
    monkeypatch.setenv("CALLING_DATABASE_URL", desk.settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_GATEWAY_URL", desk.settings.gateway_url)
    monkeypatch.setenv("CALLING_GATEWAY_EVENT_CODE", "event")
    monkeypatch.setenv("CALLING_GATEWAY_TARGET_OBJ_ID", "target")
    monkeypatch.setenv("CALLING_GATEWAY_TIMEOUT_S", str(LIMIT_S))
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")
    monkeypatch.setenv("LOGNAME", "machine-account")

    def act(*words: str, code: int = 0):
        answer = CliRunner().invoke(main, [*words, "--json"])
        assert answer.exit_code == code, answer.output
        return json.loads(answer.stdout)

    return act


def entries(desk, act="*"):
    with desk.engine.begin() as connection:
        return list(reversed(audit.entries(connection, act=act, limit=100)[0]))


def test_every_act_on_a_batch_by_command_line_names_the_person_and_the_reason(run, desk):
    desk.work_orders([phone(1)])
    desk.task(policy={"preset": "carrier", "hours": "00:00-00:01"})
    with desk.engine.begin() as connection:
        add(connection, "Ann", "operator", by="root")
    batch = str(run("--as", "ann", "calls", "run", "--task", "new orders")["batch_id"])
    run("--as", "ann", "calls", "pause", batch, "--reason", "13800000001 complained")
    run("calls", "resume", batch)
    shown = run("--as", "ANN", "calls", "cancel", batch, "--reason", "wrong list")
    assert shown["note"] == "cancelled by Ann: wrong list"
    found = entries(desk, "batch.*")
    assert [(row.act, row.person, row.door, row.subject) for row in found] == [
        ("batch.run", "Ann", "command line", f"batch:{batch}"),
        ("batch.pause", "Ann", "command line", f"batch:{batch}"),
        ("batch.resume", "machine-account (command line)", "command line", f"batch:{batch}"),
        ("batch.cancel", "Ann", "command line", f"batch:{batch}"),
    ]
    assert [row.reason for row in found] == ["", "138****0001 complained", "", "wrong list"]
    assert [(row.before["state"], row.after["state"]) for row in found[1:]] == [
        ("waiting", "paused"), ("paused", "waiting"), ("waiting", "cancelled"),
    ]  # fmt: skip


def test_nobody_acts_under_the_name_of_an_unknown_or_disabled_person(run, desk, monkeypatch):
    with desk.engine.begin() as connection:
        add(connection, "Ann", "operator", by="root")
        change(connection, "Ann", {"active": False}, by="root")
    desk.work_orders([phone(1)])
    desk.task()
    for name in ("Ann", "nobody"):
        monkeypatch.setenv("CALLING_USER", name)
        refused = run("calls", "task", "disable", "new orders", code=1)["error"]
        assert refused == f"{name} is no active person; `calling-pipeline users list` shows them"
    assert entries(desk, "task.disable") == []


def test_the_machines_account_acts_as_the_person_of_that_name(run, desk, monkeypatch):
    with desk.engine.begin() as connection:
        add(connection, "Machine-Account", "operator", by="root")
    desk.work_orders([phone(1)])
    desk.task()
    run("calls", "task", "disable", "new orders")
    (row,) = entries(desk, "task.disable")
    assert (row.person, row.before, row.after) == ("Machine-Account", {"enabled": True}, {"enabled": False})


def test_editing_a_calling_task_is_kept_with_what_it_was(run, desk):
    desk.work_orders([phone(1)])
    desk.task()
    run("calls", "task", "edit", "new orders", "--remark", "ask 13800000001", "--rate", "5")
    run("calls", "task", "edit", "new orders", "--rate", "5")
    run("calls", "task", "remove", "new orders")
    assert [row.act for row in entries(desk, "task.*")] == ["task.add", "task.edit", "task.remove"]
    edited = entries(desk, "task.edit")[0]
    assert edited.after == {"remark": "ask 138****0001", "rate_per_s": 5.0}
    assert entries(desk, "task.remove")[0].before["rate_per_s"] == 5.0


def test_a_batch_paused_over_http_is_kept_as_done_through_the_api(desk):
    desk.work_orders([phone(1)])
    desk.task(policy={"preset": "carrier", "hours": "00:00-00:01"})
    batch = desk.plan().id
    grants = {"secret-token": TokenGrant(role="operator", name="Bob")}
    runtime = Runtime(desk.settings.model_copy(update={"api_tokens": grants}))
    headers = {"Authorization": "Bearer secret-token"}
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, headers=headers, timeout=LIMIT_S) as api:
        paused = api.post(f"/api/v1/calls/batches/{batch}/pause", json={"reason": "a complaint"}).json()["data"]
        api.post(f"/api/v1/calls/batches/{batch}/resume").raise_for_status()
    assert paused["note"] == "paused by Bob: a complaint"
    found = entries(desk, "batch.*")
    assert [(row.act, row.person, row.door, row.reason) for row in found] == [
        ("batch.pause", "Bob", "api", "a complaint"),
        ("batch.resume", "Bob", "api", ""),
    ]


def test_an_export_of_a_batchs_rows_is_kept_with_its_size(run, desk, tmp_path):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    batch = str(desk.plan().id)
    run("calls", "rows", batch, "--csv", str(tmp_path / "rows.csv"))
    run("calls", "rows", batch)
    (row,) = entries(desk, "batch.export")
    assert (row.subject, row.after) == (f"batch:{batch}", {"rows": 2, "file": "rows.csv"})
