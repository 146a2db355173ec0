"""What a ledger contradicts itself about is not delivered by any door, and goes on when the file is corrected."""

import time
import uuid

import pytest

from calling_pipeline.notifications.contracts import runs, store
from calling_pipeline.notifications.contracts.contradictions import LedgerWatch, heed_ledgers, review, said_by
from calling_pipeline.notifications.contracts.ledger_files import key_of, read_ledger
from calling_pipeline.notifications.contracts.runs import Run, deliver, generate_all
from calling_pipeline.notifications.dispatch import dispatch
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.records import Selection
from calling_pipeline_tests.notifications.world import row, states, statuses, write_ledger
from calling_pipeline_tests.support import LIMIT_S

GOOD, CONTRADICTED = [row(1), row(2)], [row(1), row(2), row(2, notified="Y")]


@pytest.fixture
def waiting(deps, tmp_path):
    """A ledger whose messages wait; since then another line about contract 2 says that it was announced."""
    path = write_ledger(tmp_path / "contracts.csv", GOOD)
    generate_all(deps, [path], Run(uuid.uuid4().hex), created_by="a test")
    return write_ledger(path, CONTRADICTED)


def by_dispatch(deps, path):
    dispatch(deps, [path], by="the sensor", wait_s=0)


def by_delivery(deps, path):
    deliver(deps, [path], Run(uuid.uuid4().hex), wait_s=0)


def by_delivery_of_another_ledger(deps, path):
    other = write_ledger(path.with_name("other.csv"), [])
    runs.run(deps, [other], created_by="the command line", wait_s=0)


def by_a_whole_run(deps, path):
    runs.run(deps, [path], created_by="the command line", wait_s=0)


@pytest.mark.parametrize("door", [by_dispatch, by_delivery, by_delivery_of_another_ledger, by_a_whole_run])
def test_no_door_delivers_what_the_ledger_contradicts(deps, judge, engine, waiting, door):
    door(deps, waiting)
    assert len(judge.messages()) == 1
    assert "00001" in judge.messages()[0][1]
    with engine.connect() as connection:
        [held] = store.OUTBOX.messages(connection, ["dead"])
    assert held.subject == "id-2"
    for part in ("contracts.csv", "lines 3, 4", "disagree on 是否发送通知", "correct the ledger"):
        assert part in held.last_error


def test_putting_it_back_by_hand_does_not_deliver_it_either(deps, judge, engine, waiting):
    by_dispatch(deps, waiting)
    with engine.begin() as connection:
        assert decisions.redrive(connection, store.OUTBOX, Selection(), by="ann", expect=1).messages == 1
    by_dispatch(deps, waiting)
    assert (len(judge.messages()), states(engine)) == (1, {"delivered": 1, "dead": 1})


def test_it_goes_on_by_itself_when_the_file_agrees_with_itself_again(deps, judge, engine, waiting):
    by_dispatch(deps, waiting)
    write_ledger(waiting, [row(1, notified="Y"), row(2)])
    by_dispatch(deps, waiting)
    assert sorted(content.count("00002") for _, content in judge.messages()) == [0, 1]
    assert states(engine) == {"delivered": 2}
    assert statuses(waiting) == {"id-1": "Y", "id-2": "Y"}


def test_what_a_person_has_decided_since_stays(deps, engine, waiting):
    by_dispatch(deps, waiting)
    with engine.begin() as connection:
        chosen, why = Selection(states=("dead",)), "it was announced by phone"
        decisions.settle(connection, store.OUTBOX, chosen, as_="abandoned", by="ann", why=why, expect=1)
    write_ledger(waiting, GOOD)
    by_dispatch(deps, waiting)
    assert states(engine) == {"delivered": 1, "abandoned": 1}


def test_a_dead_letter_of_another_cause_does_not_go_on_by_itself(deps, judge, engine, tmp_path):
    judge.rules(bad_keys=["key-bj"])
    path = write_ledger(tmp_path / "contracts.csv", [row(1)])
    runs.run(deps, [path], created_by="a test", wait_s=0)
    assert states(engine) == {"dead": 1}
    with engine.begin() as connection:
        review(connection, key_of(path), said_by(read_ledger(path)))
    assert states(engine) == {"dead": 1}


def test_a_ledger_that_is_gone_changes_nothing(deps, engine, waiting):
    waiting.unlink()
    assert heed_ledgers(deps, LedgerWatch()) == 0
    assert states(engine) == {"pending": 2}


def test_messages_of_other_contracts_do_not_wait_for_the_held_one(deps, judge, engine, waiting):
    write_ledger(waiting, [row(1), row(1, notified="Y"), row(2)])
    began = time.monotonic()
    by_dispatch(deps, waiting)
    assert [content.count("00002") for _, content in judge.messages()] == [1]
    assert time.monotonic() - began < LIMIT_S
