"""The guards of an outbox: what is never sent twice, never overtaken and never changed by mistake."""

from __future__ import annotations

import threading

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.errors import UniqueViolation

from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.notifications import outboxes
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.outbox.store import open_lanes
from calling_pipeline_tests.notifications.world import states
from calling_pipeline_tests.support import WAITING, join_all, wait_until

OUTBOX = store.OUTBOX
ADD = sa.text("""
    INSERT INTO contract_messages (
        kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history, created_at, settled_at)
    VALUES ('send_wecom_message', :receiver, 'text', 0, jsonb_build_object('contract_id', gen_random_uuid()::text), :state,
        1, 0, now(), '[]', now(), CASE WHEN :state = 'delivered' THEN now() END)
    RETURNING id
""")


@pytest.fixture
def add(engine):
    """Puts a message into the outbox; returns its id."""

    def put(state="pending", receiver="robot:a"):
        with engine.begin() as connection:
            open_lanes(connection, [receiver])
            return connection.execute(ADD, {"state": state, "receiver": receiver}).scalar_one()

    return put


@pytest.fixture
def driver(engine):
    """A session of another process's dispatcher."""
    with psycopg.connect(driver_dsn(engine.url), autocommit=True) as connection:
        yield connection


def claim(driver, dispatcher=1, *, rate=0):
    return [row[0] for row in driver.execute(OUTBOX.claim_sql, OUTBOX.claim_values(dispatcher, 10, rate)).fetchall()]


def test_a_redrive_takes_dead_letters_and_never_what_may_have_been_sent(engine, add, driver):
    unknown, dead = add("unknown"), add("dead", "robot:b")
    with engine.begin() as connection:
        assert OUTBOX.redrive(connection, [unknown], by="a test") == []
        assert OUTBOX.redrive(connection, None, by="a test") == [dead]
    assert states(engine) == {"unknown": 1, "pending": 1}
    assert claim(driver) == [dead]


@pytest.mark.parametrize("as_", ["done", "retry", "abandoned"])
def test_only_held_messages_can_be_settled(engine, add, as_):
    ids = [add(state, f"robot:{state}") for state in ("pending", "sending", "delivered", "abandoned")]
    before = states(engine)
    with engine.begin() as connection:
        assert OUTBOX.settle(connection, ids, as_=as_, by="a test", why="a mistake") == []
        assert OUTBOX.settle(connection, None, as_=as_, by="a test", why="a mistake") == []
    assert states(engine) == before


def test_while_a_message_is_in_flight_its_receiver_gets_no_other_and_the_rest_goes_on(add, driver):
    first, second = add(), add()
    assert claim(driver, 1) == [first]
    other = add(receiver="robot:b")
    assert claim(driver, 2) == [other]
    driver.execute("UPDATE contract_messages SET state = 'delivered' WHERE id = %s", [first])
    assert claim(driver, 2) == [second]


@pytest.mark.parametrize("table", ["contract_messages", "technician_messages"])
def test_the_database_refuses_a_second_message_in_flight_to_one_receiver(engine, add, table):
    (index,) = (index for index in sa.inspect(engine).get_indexes(table) if "one_in_flight" in str(index["name"]))
    assert (index["unique"], index["column_names"]) == (True, ["receiver"])
    if table == "contract_messages":
        add("sending")
        with pytest.raises(sa.exc.IntegrityError) as refused:
            add("sending")
        assert isinstance(refused.value.orig, UniqueViolation)


def test_a_message_claimed_by_another_dispatcher_in_the_same_instant_is_not_claimed_again(engine, add, driver):
    """The claim chooses by its snapshot. What was claimed after the snapshot, and before the message's row is locked, must
    not be claimed a second time: it would be sent twice. The row lock of the other session holds the claim in between."""
    message = add()
    claimed = []
    with engine.connect() as other:
        other.execute(
            sa.text("UPDATE contract_messages SET state = 'sending', dispatcher = 2, attempts = 2 WHERE id = :id"),
            {"id": message},
        )
        thread = threading.Thread(target=lambda: claimed.extend(claim(driver, 1)))
        thread.start()
        with engine.connect() as watcher:
            wait_until(lambda: watcher.exec_driver_sql(WAITING).scalar_one())
        other.commit()
    join_all(thread)
    assert claimed == []
    with engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT state, dispatcher, attempts FROM contract_messages")).one()
    assert tuple(kept) == ("sending", 2, 2)


def test_the_last_answer_of_the_vendor_is_the_newest_delivery_of_either_outbox(engine, add):
    with engine.connect() as connection:
        assert outboxes.last_vendor_answer(connection) is None
    add("delivered")
    with engine.connect() as connection:
        newest = connection.execute(sa.text("SELECT max(settled_at) FROM contract_messages")).scalar_one()
        assert outboxes.last_vendor_answer(connection) == newest
