"""How a restored system goes on, over HTTP: an admin says what is known, and only then anything goes out."""

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.backups import going_on
from calling_pipeline.outgoing import holding

ROOT = "/api/v1/restored"
LIST = "电话\n13800000001\n138 0000 0002\n"
NOBODY = {"reason": "it stood still", "nobody_was_called": "true"}


@pytest.fixture
def restored(api_runtime):
    with api_runtime.transaction() as connection:
        going_on.hold_everything(connection, days.now() - dt.timedelta(hours=1), by="ann")


def held(api_runtime):
    with api_runtime.transaction() as connection:
        return {one.act for one in holding.holds(connection)}


def test_without_a_restore_nothing_waits(admin, operator):
    assert admin.get(ROOT).json()["data"] == {}
    assert operator.get(ROOT).status_code == 403
    assert admin.post(f"{ROOT}/calls", params=NOBODY).status_code == 409


def test_a_list_lets_calls_go_on_and_messages_go_on_apart(restored, admin, operator, api_runtime):
    assert {*admin.get(ROOT).json()["data"]} == {"calls", "messages"}
    assert operator.post(f"{ROOT}/calls", params=NOBODY).status_code == 403
    said = {"reason": "the gateway's list"}
    for content, params in ((b"", said), (LIST, NOBODY), (LIST, {}), (f"{LIST}no number\n", said)):
        answer = admin.post(f"{ROOT}/calls", params=params, content=content, headers={"Content-Type": "text/csv"})
        assert answer.status_code == 422, answer.text
    assert held(api_runtime) == {"batches", "clicks", "messages", "mails"}

    done = admin.post(f"{ROOT}/calls", params=said, content=LIST, headers={"Content-Type": "text/csv"}).json()["data"]
    assert ({*done["acts"]}, done["called_since"]["taken"]) == ({"batches", "clicks"}, 2)
    assert "13800000001" not in str(done)
    assert {*admin.get(ROOT).json()["data"]} == {"messages"}
    assert admin.post(f"{ROOT}/messages", json={"known": "maybe", "reason": "an hour"}).status_code == 422
    sent = admin.post(f"{ROOT}/messages", json={"known": "may_have_been_sent", "reason": "an hour"}).json()["data"]
    assert ({*sent["acts"]}, sent["unknown"]) == ({"messages", "mails"}, 0)
    assert held(api_runtime) == set()
    with api_runtime.transaction() as connection:
        acts = connection.exec_driver_sql(
            "SELECT act, subject, door, reason FROM audit_log WHERE act = 'backup.go_on' ORDER BY id"
        ).all()
    assert [tuple(row) for row in acts] == [
        ("backup.go_on", "backup:calls", "api", "the gateway's list"),
        ("backup.go_on", "backup:messages", "api", "an hour"),
    ]
