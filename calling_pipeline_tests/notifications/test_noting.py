"""What people decide about messages shows on the page of the asset."""

import uuid

import pytest

from calling_pipeline import days
from calling_pipeline.activity.store import forget, unreported
from calling_pipeline.notifications.contracts import runs, store
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.records import Selection
from calling_pipeline.notifications.outbox.rounds import deliver_round
from calling_pipeline_tests.notifications.world import row, write_ledger


def noted(engine):
    with engine.begin() as connection:
        found = unreported(connection, limit=10)
        for one in found:
            forget(connection, one)
    return [(one.asset, one.day, dict(one.numbers)) for one in found]


@pytest.fixture
def dead_letter(deps, judge, engine, tmp_path):
    judge.rules(bad_keys=["key-bj"])
    runs.run(deps, [write_ledger(tmp_path / "contracts.csv", [row(1)])], created_by="a test", wait_s=0)
    noted(engine)


@pytest.mark.usefixtures("dead_letter")
def test_redriving_and_settling_are_noted_once_when_they_changed_something(engine):
    with engine.begin() as connection:
        decisions.settle(connection, store.OUTBOX, Selection((9999,)), as_="done", by="ann", why="")
    assert noted(engine) == []
    with engine.begin() as connection:
        decisions.redrive(connection, store.OUTBOX, Selection(), by="ann", expect=1)
    assert noted(engine) == [("contract_notifications", days.today(), {"redriven": 1})]


@pytest.mark.usefixtures("dead_letter")
def test_a_settled_message_is_noted(engine):
    with engine.begin() as connection:
        decisions.settle(connection, store.OUTBOX, Selection(), as_="abandoned", by="ann", why="nobody needs it", expect=1)
    assert noted(engine) == [("contract_notifications", days.today(), {"settled": 1})]


def test_messages_of_a_dispatcher_that_ended_are_noted_when_they_are_found(deps, judge, engine, tmp_path):
    path = write_ledger(tmp_path / "contracts.csv", [row(1)])
    runs.generate_all(deps, [path], runs.Run(uuid.uuid4().hex), created_by="a test")
    noted(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE contract_messages SET state = 'sending', dispatcher = 77, attempts = 1")
    deliver_round(deps, store.OUTBOX)
    assert noted(engine) == [("contract_notifications", days.today(), {"unknown": 1})]
