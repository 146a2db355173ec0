"""The gate on a real database: recording, idempotency, and one slot that two processes want."""

import datetime as dt
import subprocess
import sys
import threading
from functools import partial

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.contact_policy import gate, store
from calling_pipeline.contact_policy.presets import CARRIER, LIST_ONLY, policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.errors import Conflict
from calling_pipeline_tests.support import LIMIT_S, WAITING, join_all, run_together, start_process, wait_until

NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=days.SHANGHAI)
PHONE = "13812340000"
ONE_A_DAY = policy_from({"preset": "list_only", "rolling": [[1, "24h"]]})


def wish(reference: str, *, phone: str = PHONE, at: dt.datetime = NOON, room: str = "calls", caller: str | None = None):
    return Attempt(phone, room, reference, at, caller)


def attempts(connection: sa.Connection) -> int:
    return connection.execute(sa.text("SELECT count(*) FROM contact_attempts")).scalar_one()


def test_an_allowed_attempt_is_recorded_and_a_refused_one_is_not(connection):
    assert gate.check_and_record(connection, wish("1"), ONE_A_DAY).allowed
    verdict = gate.check_and_record(connection, wish("2"), ONE_A_DAY)
    assert (verdict.allowed, verdict.rule) == (False, "rolling_cap")
    assert verdict.not_before == NOON + dt.timedelta(days=1)
    assert attempts(connection) == 1


def test_asking_again_with_the_same_reference_is_the_same_attempt(connection):
    assert gate.check_and_record(connection, wish("1"), ONE_A_DAY).allowed
    assert gate.check_and_record(connection, wish("1"), ONE_A_DAY).allowed
    assert attempts(connection) == 1


def test_a_reference_used_for_another_number_is_a_conflict(connection):
    gate.check_and_record(connection, wish("1"), LIST_ONLY)
    with pytest.raises(Conflict, match="another number"):
        gate.check_and_record(connection, wish("1", phone="13900000000"), LIST_ONLY)


def test_attempts_of_both_rooms_count(connection):
    gate.check_and_record(connection, wish("1", room="call_batches"), ONE_A_DAY)
    assert not gate.check_and_record(connection, wish("1", room="telephony"), ONE_A_DAY).allowed


def test_a_withdrawn_attempt_no_longer_counts(connection):
    gate.check_and_record(connection, wish("1"), ONE_A_DAY)
    assert gate.withdraw(connection, "calls", "1")
    assert not gate.withdraw(connection, "calls", "1")
    assert gate.check_and_record(connection, wish("2"), ONE_A_DAY).allowed


def test_a_withdrawal_leaves_the_attempt_of_another_room_under_the_same_reference(connection):
    for room in ("calls", "telephony"):
        gate.check_and_record(connection, wish("1", room=room), LIST_ONLY)
    assert gate.withdraw(connection, "calls", "1")
    assert connection.execute(sa.text("SELECT room FROM contact_attempts")).scalars().all() == ["telephony"]


def test_asking_for_many_counts_those_before_it_in_the_same_list(connection):
    wishes = [wish("1"), wish("2", phone="13900000000"), wish("3"), wish("1")]
    assert [verdict.allowed for verdict in gate.check_and_record_many(connection, wishes, ONE_A_DAY)] == [
        True,
        True,
        False,
        True,
    ]
    assert attempts(connection) == 2


def test_the_pair_rule_sees_the_caller(connection):
    a_moment_later = NOON + dt.timedelta(milliseconds=500)
    assert gate.check_and_record(connection, wish("1", caller="8001"), CARRIER).allowed
    assert gate.check_and_record(connection, wish("2", caller="8001", at=a_moment_later), CARRIER).rule == "pair_gap"
    assert gate.check_and_record(connection, wish("3", caller="8002", at=a_moment_later), CARRIER).allowed


def test_an_expired_entry_of_the_list_no_longer_refuses(connection):
    store.block(connection, [(PHONE, NOON, "")], source="customer", by="", now=NOON)
    assert gate.check(connection, wish("1", at=NOON - dt.timedelta(seconds=1)), LIST_ONLY).rule == "do_not_call"
    assert gate.check(connection, wish("1"), LIST_ONLY).allowed
    store.block(connection, [(PHONE, None, "")], source="complaint", by="", now=NOON)
    assert gate.check(connection, wish("1"), LIST_ONLY).not_before is None


def test_an_entry_of_the_list_refuses_until_the_very_moment_at_which_it_ends(connection):
    store.block(connection, [(PHONE, NOON, "")], source="complaint", by="li", now=NOON - dt.timedelta(days=1))
    before = NOON - dt.timedelta(microseconds=1)
    verdicts = [gate.check(connection, wish("1", at=at), LIST_ONLY) for at in (before, NOON)]
    assert [verdict.allowed for verdict in verdicts] == [False, True]
    assert verdicts[0].not_before == NOON


def test_stored_holidays_close_a_policy_that_keeps_them(connection):
    store.add_holiday(connection, NOON.date(), "a holiday")
    closed = policy_from({"closed_on_holidays": True})
    assert gate.check(connection, wish("1"), closed).rule == "holiday"
    assert gate.check(connection, wish("1"), CARRIER).allowed


def test_a_second_transaction_waits_until_the_first_commits_and_is_then_refused(engine):
    first = engine.connect()
    assert gate.check_and_record(first, wish("1"), ONE_A_DAY).allowed
    answers = []

    def second() -> None:
        with engine.begin() as connection:
            answers.append(gate.check_and_record(connection, wish("2"), ONE_A_DAY).allowed)

    waiting = threading.Thread(target=second)
    waiting.start()
    with engine.connect() as watcher:
        wait_until(lambda: watcher.exec_driver_sql(WAITING).scalar_one())
    assert answers == []
    first.commit()
    first.close()
    join_all(waiting)
    assert answers == [False]


def test_of_two_numbers_that_ask_under_one_reference_at_once_the_second_is_a_conflict(engine):
    said: list[object] = []

    def second() -> None:
        try:
            with engine.begin() as connection:
                said.append(gate.check_and_record(connection, wish("1", phone="13900000000"), LIST_ONLY))
        except Conflict as error:
            said.append(str(error))

    waiting = threading.Thread(target=second)
    with engine.connect() as first, engine.connect() as watcher:
        gate.check_and_record(first, wish("1"), LIST_ONLY)
        waiting.start()
        wait_until(lambda: said or watcher.exec_driver_sql(WAITING).scalar_one())
        first.commit()
        join_all(waiting)
        assert said == ["one reference was used for two different contact attempts at once"]
        assert attempts(watcher) == 1


def test_a_second_transaction_is_allowed_when_the_first_rolls_back(engine):
    with engine.connect() as first:
        assert gate.check_and_record(first, wish("1"), ONE_A_DAY).allowed
        first.rollback()
    with engine.begin() as second:
        assert gate.check_and_record(second, wish("2"), ONE_A_DAY).allowed


RACER = """
import sys, datetime as dt
from calling_pipeline import days
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database.engine import business_url, make_engine

engine = make_engine(business_url(sys.argv[1]))
policy = policy_from({"preset": "list_only", "rolling": [[int(sys.argv[3]), "24h"]]})
noon = dt.datetime(2026, 11, 23, 12, 0, tzinfo=days.SHANGHAI)
with engine.connect() as connection:
    connection.exec_driver_sql("SELECT 1")
print("ready", flush=True)
sys.stdin.readline()
won = 0
for slot in range(20):
    wishes = [Attempt(f"138{slot:08d}", "calls", f"{sys.argv[2]}-{slot}-{n}", noon) for n in range(2)]
    with engine.begin() as connection:
        won += sum(verdict.allowed for verdict in gate.check_and_record_many(connection, wishes, policy))
print(won, flush=True)
"""


@pytest.mark.parametrize("limit", [1, 3])
def test_two_processes_that_want_one_numbers_slots_get_exactly_as_many_as_there_are(database_url, engine, limit):
    address = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    racers = [
        start_process(
            [sys.executable, "-c", RACER, address, name, str(limit)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    assert all(racer.stdout.readline() == "ready\n" for racer in racers)
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [int(racer.communicate(timeout=LIMIT_S)[0]) for racer in racers]
    assert sum(won) == 20 * limit
    with engine.connect() as connection:
        most = sa.text("SELECT max(n) FROM (SELECT count(*) AS n FROM contact_attempts GROUP BY phone) AS each")
        assert connection.execute(most).scalar_one() == limit


def test_transactions_that_check_the_same_numbers_in_opposite_orders_do_not_deadlock(engine):
    phones = [f"139{n:08d}" for n in range(200)]
    failures = []

    def check_all(name: str, order: list[str]) -> None:
        try:
            for turn in range(5):
                with engine.begin() as connection:
                    gate.check_and_record_many(connection, [wish(f"{name}-{turn}-{p}", phone=p) for p in order], CARRIER)
        except Exception as error:
            failures.append(error)

    orders = {"a": phones, "b": phones[::-1], "c": phones[::2]}
    run_together(*(partial(check_all, name, order) for name, order in orders.items()))
    assert failures == []
    with engine.connect() as connection:
        most = sa.text("SELECT max(n) FROM (SELECT count(*) AS n FROM contact_attempts GROUP BY phone) AS each")
        assert connection.execute(most).scalar_one() == 3


def test_the_facts_are_read_by_index(connection):
    connection.execute(
        sa.text("""INSERT INTO contact_attempts (phone, room, reference, at)
        SELECT '13' || lpad((n % 20000)::text, 9, '0'), 'calls', n::text, now() - n * interval '1 second'
        FROM generate_series(1, 60000) AS n""")
    )
    connection.execute(sa.text("ANALYZE contact_attempts"))
    columns = store._columns([wish("x")])
    plan = connection.execute(sa.text(f"EXPLAIN {store.FACTS.text}"), {**columns, "depth": 5}).scalars().all()
    assert "ix_contact_attempts_phone_at" in "\n".join(plan)
    assert "Seq Scan on contact_attempts" not in "\n".join(plan)
