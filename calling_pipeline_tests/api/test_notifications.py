"""Notifications over HTTP: everything that the command line shows and does, by roles, with the caller's name kept."""

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.api.conftest import TOKENS
from calling_pipeline_tests.notifications.test_hands import marks
from calling_pipeline_tests.notifications.world import Judge, notification_runtime, row, states, write_ledger
from calling_pipeline_tests.support import LIMIT_S

ROOT = "/api/v1/notifications"


@pytest.fixture
def judge(simulator):
    made = Judge(simulator)
    made.rules(robot_rate_per_minute=None)
    yield made
    made.reset()


@pytest.fixture
def ledger(tmp_path):
    return write_ledger(tmp_path / "contracts.csv", [row(1), row(2, city="上海"), row(3, city="广州")])


@pytest.fixture
def api_runtime(app_settings, simulator, judge, ledger) -> Iterator[Runtime]:
    made = notification_runtime(app_settings, simulator, api_tokens=TOKENS, contract_ledgers=[ledger])
    yield made
    made.close()


def deliver(runtime, ledger):
    return run(NotificationDependencies.from_runtime(runtime), [ledger], created_by="a test", wait_s=LIMIT_S)


def data(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_states_figures_causes_parked_lines_and_messages_are_read_by_a_viewer(api_runtime, viewer, judge, ledger):
    judge.rules(bad_keys=["key-sh"])
    deliver(api_runtime, ledger)
    status = data(viewer.get(f"{ROOT}/status"))
    assert status["contracts"]["counts"] == {"delivered": 1, "dead": 1}
    assert status["contracts"]["figures"]["success_rate"] == 50.0
    assert (status["contracts"]["held_groups"][0]["cause"], len(status["contracts"]["held"])) == ("errcode 93000", 1)
    assert status["parked_groups"][0]["sentence"] == (
        "1 parked: no robot for 广州; set CALLING_WECOM_ROBOTS (contracts.csv line 4)"
    )
    assert data(viewer.get(f"{ROOT}/parked")) == status["parked_groups"]
    assert data(viewer.get(f"{ROOT}/causes"))[0]["messages"] == 1
    assert data(viewer.get(f"{ROOT}/causes", params={"box": "technicians"})) == []
    page = data(viewer.get(f"{ROOT}/messages", params={"state": "dead", "limit": 1}))
    assert (page["total"], page["items"][0]["subject"], page["items"][0]["kind"]) == (1, "id-2", "group message")
    shown = data(viewer.get(f"{ROOT}/messages/contracts/{page['items'][0]['id']}"))
    assert shown["history"][-1]["to"] == "dead"
    assert viewer.get(f"{ROOT}/messages/contracts/9999").status_code == 404
    contracts = data(viewer.get(f"{ROOT}/contracts", params={"limit": 2}))
    assert (contracts["total"], [one["line"] for one in contracts["items"]]) == (3, [2, 3])
    assert [one["messages"] for one in contracts["items"]] == [{"delivered": 1}, {"dead": 1}]
    contract = data(viewer.get(f"{ROOT}/contracts/id-3"))
    assert (contract["rows"][0]["parked"], contract["messages"]) == (True, [])
    assert viewer.get(f"{ROOT}/contracts/id-9").status_code == 404


def test_a_preview_is_of_a_known_ledger_and_of_no_other_file(api_runtime, viewer, judge, ledger, tmp_path):
    secret = write_ledger(tmp_path / "secret.csv", [row(9)])
    seen = data(viewer.get(f"{ROOT}/preview", params={"ledger": "contracts.csv"}))
    assert [one["contract_id"] for one in seen["messages"]] == ["id-1", "id-2"]
    assert seen["without_receiver"] == 1
    assert viewer.get(f"{ROOT}/preview", params={"ledger": str(secret)}).status_code == 404
    assert (states(api_runtime.engine), judge.messages()) == ({}, [])


def test_n_set_back_is_asked_about_and_answered_by_name(api_runtime, viewer, operator, judge, ledger):
    deliver(api_runtime, ledger)
    write_ledger(ledger, [row(1), row(2, city="上海"), row(3, city="广州")])
    deliver(api_runtime, ledger)
    asked = data(viewer.get(f"{ROOT}/questions"))
    assert [one["contract_id"] for one in asked] == ["id-1", "id-2"]
    assert "notify resend id-1" in asked[0]["sentence"]
    for path, body in (("resend", {"contract_id": "id-1", "why": "x"}), ("keep", {"contract_ids": None})):
        assert viewer.post(f"{ROOT}/{path}", json=body).status_code == 403
    order = {"contract_id": "id-1", "why": "the group was the wrong one"}
    first, second = (data(operator.post(f"{ROOT}/resend", json=order)) for _ in range(2))
    assert (first["already"], second["already"], first["messages"]) == (False, True, second["messages"])
    assert operator.post(f"{ROOT}/resend", json={"contract_id": "id-1", "why": "again"}).status_code == 409
    assert operator.post(f"{ROOT}/resend", json={"contract_id": "id-1", "why": ""}).status_code == 422
    assert operator.post(f"{ROOT}/resend", json={"contract_id": "id-9", "why": "x"}).status_code == 404
    assert data(operator.post(f"{ROOT}/keep", json={"contract_ids": ["id-2"]})) == {"contracts": ["id-2"]}
    deliver(api_runtime, ledger)
    assert (marks(ledger), data(viewer.get(f"{ROOT}/questions"))) == (["Y", "Y", "N"], [])
    assert len(judge.messages()) == 3
    with api_runtime.transaction() as connection:
        noted = connection.execute(sa.text("SELECT person, door, act FROM audit_log WHERE door = 'api' ORDER BY id")).all()
    assert [(person[:8], door, act) for person, door, act in noted] == [
        ("operator", "api", "contract.resend"),
        ("operator", "api", "contract.keep"),
    ]


def test_many_messages_are_settled_and_redriven_after_a_look(api_runtime, viewer, operator, judge, simulator, ledger):
    judge.rules(bad_keys=["key-sh"])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=1)
    deliver(api_runtime, ledger)
    assert states(api_runtime.engine) == {"unknown": 1, "dead": 1}
    wanted = {"state": "unknown", "receiver": "robot:北京", "settle_as": "delivered", "why": "seen in the group"}
    assert viewer.post(f"{ROOT}/settle", json=wanted).status_code == 403
    refused = operator.post(f"{ROOT}/settle", json=wanted)
    assert (refused.status_code, refused.json()["field"]) == (422, "expect")
    seen = data(operator.post(f"{ROOT}/settle", json={**wanted, "dry_run": True}))
    assert (seen["messages"], seen["sample"][0]["subject"]) == (1, "id-1")
    assert operator.post(f"{ROOT}/settle", json={**wanted, "expect": 2}).status_code == 409
    assert data(operator.post(f"{ROOT}/settle", json={**wanted, "expect": 1}))["ids"] == seen["ids"]
    judge.rules(bad_keys=[])
    again = {"cause": "errcode 93000", "why": "the key is right now", "expect": 1}
    assert data(operator.post(f"{ROOT}/redrive", json=again))["messages"] == 1
    deliver(api_runtime, ledger)
    assert states(api_runtime.engine) == {"delivered": 2}
    assert max(judge.counted().values()) == 1


def test_a_run_is_begun_by_its_number_and_ends_by_itself(api_runtime, viewer, operator, judge, ledger):
    assert viewer.post(f"{ROOT}/run", json={"dry_run": True}).status_code == 403
    seen = data(operator.post(f"{ROOT}/run", json={"dry_run": True, "ledger": "contracts.csv"}))
    assert (seen["messages"], seen["by_receiver"], seen["parked"]) == (2, {"robot:北京": 1, "robot:上海": 1}, 1)
    assert operator.post(f"{ROOT}/run", json={}).json()["field"] == "expect"
    assert operator.post(f"{ROOT}/run", json={"expect": 3}).status_code == 409
    assert operator.post(f"{ROOT}/run", json={"expect": 2, "ledger": "/etc/passwd"}).status_code == 404
    assert judge.messages() == []
    task_id = data(operator.post(f"{ROOT}/run", json={"expect": 2}))["task_id"]
    until = time.monotonic() + LIMIT_S
    while (task := data(operator.get(f"/api/tasks/{task_id}")))["state"] == "pending":
        assert time.monotonic() < until, "the run does not end"
        time.sleep(0.05)
    assert (task["state"], task["details"]["delivered"], task["details"]["written_back"]) == ("failed", 2, 2)  # line 4 waits
    assert len(judge.messages()) == 2
