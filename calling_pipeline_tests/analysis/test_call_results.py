"""Every pushed call has one result, every call record belongs to at most one push, and nothing depends on when one looks."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.analysis.call_results import store as analysis_store
from calling_pipeline.analysis.call_results.joining import days_due, join_day
from calling_pipeline.analysis.call_results.quality import (
    every_pushed_call_has_one_result,
    no_call_record_is_used_twice,
    results_agree_with_call_records,
)
from calling_pipeline.analysis.call_results.records import TOLERANCE
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.results.tables import call_results
from calling_pipeline.call_batches.calls.tables import call_log, call_tasks
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline_tests.analysis.pushed_world import (
    DAY,
    MORNING,
    RULES,
    add_batch,
    add_push,
    add_record,
    expected,
    kept,
)
from calling_pipeline_tests.call_stats.conftest import class_engine, proof_of
from calling_pipeline_tests.support import NIGHTLY, WAITING, join_all, run_together, wait_until

__all__ = ["class_engine"]
MINUTE = dt.timedelta(minutes=1)
NEXT_DAY = DAY + dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def later():
    """It is the evening of the next day."""
    with days.frozen(MORNING + dt.timedelta(days=1, hours=12)):
        yield


@pytest.fixture
def transaction(engine):
    with engine.begin() as connection:
        yield connection


def join(connection, *wanted):
    return sum(join_day(connection, day, RULES).changed for day in wanted or (DAY,))


def due(connection):
    return [state.day for state in days_due(connection, RULES)]


def sums(connection, batch_id):
    return result_store.of_batches(connection, [batch_id])[batch_id]


MOMENTS = st.integers(-40, 40).map(lambda step: MORNING + step * dt.timedelta(hours=1, seconds=step % 3))
EVENTS = st.lists(st.tuples(st.integers(0, 2), MOMENTS), max_size=8, unique=True)


@settings(max_examples=500 if NIGHTLY else 8)
@given(pushes=EVENTS, records=EVENTS, order=st.permutations([DAY - dt.timedelta(days=1), DAY, NEXT_DAY, NEXT_DAY]))
def test_every_push_has_one_result_and_no_record_two_pushes_whatever_the_order_of_joins(
    class_engine, pushes, records, order
):
    with class_engine.connect() as connection, connection.begin() as transaction:
        made, stored = {}, []
        for place, (number, at) in enumerate(records, 1):
            add_record(connection, place, number, at.replace(microsecond=0))
            stored.append((place, number, at))
            if place % 3 == 0:
                join(connection, DAY)  # some joins come before the last records
        for number, at in pushes:
            made[add_push(connection, add_batch(connection, days.day_of(at)), number, at)] = (number, at)
            if len(made) % 2 == 0:
                join(connection, days.day_of(at))  # and before the last pushes
        around = sorted({days.day_of(at) for _, at in pushes} | {*order}, key=lambda day: (day not in order, day))
        join(connection, *around)
        found = kept(connection)
        assert {call: row.record_id for call, row in found.items()} == expected(made, stored)
        connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        assert join(connection, *order) == 0  # again: nothing changes
        for row in connection.execute(sa.text("SELECT * FROM call_result_batches")):
            assert row.pushed == row.connected + row.not_connected + row.not_dialled + row.waiting == 1
        transaction.rollback()


def test_a_result_carries_what_the_record_says(transaction):
    batch = add_batch(transaction)
    calls = [add_push(transaction, batch, number, MORNING) for number in range(5)]
    states = {0: (2, 9), 1: (2, 1), 2: (1, 0), 3: (None, 0)}
    for number, (state, order) in states.items():
        add_record(transaction, number + 1, number, MORNING + MINUTE, call_state=state, order_yuan=order)
    assert join(transaction) == 5
    found = kept(transaction)
    results = [found[call].result for call in calls]
    assert results == ["connected", "connected", "not_connected", "not_dialled", "waiting"]
    first = found[calls[0]]
    assert (first.talk_s, first.order_yuan, first.agent_id, first.province) == (60, 9, "agent07", "四川")
    whole = sums(transaction, batch)
    assert (whole.pushed, whole.connected, whole.not_connected, whole.not_dialled, whole.waiting) == (5, 2, 1, 1, 1)
    assert (whole.order_9, whole.order_1, whole.talk_s, whole.difference) == (1, 1, 240, 0)
    assert whole.oldest_waiting_at == MORNING


def test_a_clock_that_is_a_little_behind_loses_no_call_and_a_call_of_before_is_nobodys(transaction):
    batch = add_batch(transaction)
    close, before, late = (add_push(transaction, batch, number, MORNING) for number in range(3))
    add_record(transaction, 1, 0, MORNING - TOLERANCE)
    add_record(transaction, 2, 1, MORNING - TOLERANCE - dt.timedelta(seconds=1))
    add_record(transaction, 3, 2, MORNING + RULES.reach)
    join(transaction)
    found = {call: row.record_id for call, row in kept(transaction).items()}
    assert found == {close: 1, before: None, late: None}


def test_a_late_record_a_correction_and_a_vanished_record_repair_an_earlier_day(transaction):
    batch = add_batch(transaction)
    call = add_push(transaction, batch, 1, MORNING)
    assert (join(transaction), kept(transaction)[call].result) == (1, "waiting")
    add_record(transaction, 5, 1, MORNING + MINUTE, call_state=1, duration_s=0)
    assert (join(transaction), kept(transaction)[call].result) == (1, "not_connected")
    transaction.execute(sa.update(call_records).values(call_state=2, order_yuan=9))
    assert (join(transaction), kept(transaction)[call].order_yuan) == (1, 9)
    assert sums(transaction, batch).order_9 == 1
    transaction.execute(sa.delete(call_records))
    assert (join(transaction), kept(transaction)[call].result) == (1, "waiting")
    assert sums(transaction, batch).waiting == 1


def test_a_result_stays_when_the_retention_deleted_its_record(transaction):
    call = add_push(transaction, add_batch(transaction), 1, MORNING)
    add_record(transaction, 5, 1, MORNING + MINUTE, order_yuan=1)
    join(transaction)
    transaction.execute(sa.delete(call_records))
    with days.frozen(MORNING + dt.timedelta(days=RULES.record_days + 1)):
        assert join(transaction) == 0
    assert kept(transaction)[call].order_yuan == 1


def test_a_push_that_is_settled_later_takes_the_record_that_is_its_own_from_the_push_before(transaction):
    first = add_push(transaction, add_batch(transaction), 1, MORNING)
    add_record(transaction, 5, 1, MORNING + dt.timedelta(hours=16))
    join(transaction)
    assert kept(transaction)[first].record_id == 5
    batch = add_batch(transaction, NEXT_DAY)
    second = add_push(transaction, batch, 1, MORNING + dt.timedelta(hours=15, minutes=30), outcome="settled_pushed")
    join(transaction, NEXT_DAY)
    assert {call: row.record_id for call, row in kept(transaction).items()} == {first: None, second: 5}
    transaction.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_a_batch_that_goes_on_after_midnight_finds_the_records_of_both_days(transaction):
    batch, midnight = add_batch(transaction), days.day_bounds(DAY)[1]
    calls = [add_push(transaction, batch, n, midnight + minutes * MINUTE) for n, minutes in ((1, -45), (2, 30))]
    add_record(transaction, 5, 1, midnight - 44 * MINUTE)
    add_record(transaction, 6, 2, midnight + 31 * MINUTE)
    join(transaction)
    assert {call: row.record_id for call, row in kept(transaction).items()} == {calls[0]: 5, calls[1]: 6}


def _read(connection, number, day=DAY, rows=1):
    proof = proof_of("grade", day, fetch_number=number)
    sync_store.add_proof(connection, proof)
    connection.execute(
        sa.text("UPDATE fetch_proofs SET rows_added = :rows WHERE fetch_number = :number"), {"rows": rows, "number": number}
    )


def test_only_days_are_due_whose_records_changed_or_whose_pushes_were_settled(transaction):
    batch = add_batch(transaction)
    call = add_push(transaction, batch, 1, MORNING)
    add_batch(transaction, NEXT_DAY)  # it pushed nobody
    assert due(transaction) == []  # no records were read
    _read(transaction, 1)
    assert due(transaction) == [DAY]
    join(transaction)
    assert due(transaction) == []
    _read(transaction, 2, rows=0)  # a read that changed nothing
    assert due(transaction) == []
    _read(transaction, 3, NEXT_DAY)  # calls of the evening are dialled on the next morning
    assert due(transaction) == [DAY]
    join(transaction)
    transaction.execute(sa.update(call_tasks).where(call_tasks.c.id == call).values(state="unknown"))
    lifecycle.settle(transaction, settlement_of("pushed"), ids=[call], by="li")
    assert due(transaction) == [DAY]
    join(transaction)
    assert due(transaction) == []


def test_a_day_of_the_t10_window_is_joined_once_every_morning(transaction):
    add_push(transaction, add_batch(transaction), 1, MORNING)
    _read(transaction, 1)
    seen = []
    for day, hour in ((1, 7), (1, 8), (1, 9), (2, 7), (2, 8)):
        with days.frozen(MORNING + dt.timedelta(days=day, hours=hour - 9)):
            seen.append(due(transaction))
            join(transaction)
    assert seen == [[DAY], [DAY], [], [], [DAY]]


def test_two_joins_of_one_day_and_a_sync_beside_them_leave_the_day_as_one_join_would(engine):
    """A sync replaces the records again and again while two joins of the same day race."""
    with engine.begin() as connection:
        batch = add_batch(connection)
        calls = [add_push(connection, batch, number, MORNING) for number in range(40)]
        for number in range(40):
            add_record(connection, number + 1, number, MORNING + MINUTE)
    failures = []

    def joins():
        try:
            for _ in range(5):
                with engine.begin() as connection:
                    join(connection)
        except Exception as error:
            failures.append(error)

    def syncs():
        for turn in range(5):
            with engine.begin() as connection:
                connection.execute(sa.delete(call_records))
                for number in range(turn, 40):
                    add_record(connection, number + 1, number, MORNING + (turn + 1) * MINUTE)

    run_together(joins, joins, syncs)
    assert failures == []
    with engine.begin() as connection:
        between = {call: row.record_id for call, row in kept(connection).items()}
        assert len(between) == 40
        join(connection)
        found = kept(connection)
        assert [found[call].record_id for call in calls] == [None] * 4 + [number + 1 for number in range(4, 40)]
        assert sums(connection, batch).waiting == 4


def test_a_join_of_another_day_waits_for_the_one_under_way(engine):
    """Each may have to join the other's day too."""
    with engine.begin() as connection:
        for day in (DAY, NEXT_DAY):
            add_push(connection, add_batch(connection, day), 1, MORNING + (day - DAY))

    def joins():
        with engine.begin() as connection:
            join(connection, NEXT_DAY)

    second = threading.Thread(target=joins)
    with engine.begin() as first:
        join(first, DAY)
        second.start()
        wait_until(lambda: first.exec_driver_sql(WAITING).scalar_one())
    join_all(second)


def test_the_log_is_the_judge_of_what_was_pushed(transaction):
    """An attempt that failed before the call was pushed is no push of its own."""
    batch = add_batch(transaction)
    call = add_push(transaction, batch, 1, MORNING)
    log = {"call_task_id": call, "batch_id": batch, "phone": "13800000001", "distinct_id": "x", "attempt": 0,
           "outcome": "not_sent", "sent_at": MORNING - MINUTE, "recorded_at": MORNING}  # fmt: skip
    transaction.execute(sa.insert(call_log).values(log))
    assert join(transaction) == 1
    assert list(kept(transaction)) == [call]


def failing(connection, day=DAY):
    facts = analysis_store.facts(connection, day)
    judges = (every_pushed_call_has_one_result, no_call_record_is_used_twice, results_agree_with_call_records)
    return [judge.__name__ for judge in judges if not judge(facts).passed]


def test_the_checks_notice_a_missing_result_a_record_used_twice_and_a_result_that_differs(transaction):
    batch = add_batch(transaction)
    calls = [add_push(transaction, batch, number, MORNING) for number in range(4)]
    for number in range(3):
        add_record(transaction, number + 1, number, MORNING + MINUTE)
    assert failing(transaction) == ["every_pushed_call_has_one_result"]  # never joined
    _read(transaction, 1)
    join(transaction)
    assert failing(transaction) == []
    transaction.execute(sa.update(call_records).where(call_records.c.id == 1).values(duration_s=61))
    transaction.execute(sa.delete(call_records).where(call_records.c.id == 2))
    assert failing(transaction) == ["results_agree_with_call_records"]
    assert analysis_store.facts(transaction, DAY).disagreeing == 2
    _read(transaction, 2)
    assert failing(transaction) == []  # a join is due, which will see them
    join(transaction)
    assert failing(transaction) == []
    found = sa.update(call_results).where(call_results.c.call_task_id == calls[3])
    transaction.execute(found.values(record_id=3, called_at=MORNING + MINUTE, result="connected", talk_s=60))
    assert failing(transaction) == ["no_call_record_is_used_twice"]
    transaction.execute(sa.delete(call_results).where(call_results.c.call_task_id == calls[3]))
    assert failing(transaction) == ["every_pushed_call_has_one_result"]
    transaction.rollback()


def test_the_database_itself_refuses_one_record_for_two_pushes(engine):
    with engine.begin() as connection:
        batch = add_batch(connection)
        for number in range(2):
            add_push(connection, batch, number, MORNING)
        join(connection)
    change = sa.update(call_results).values(record_id=3, called_at=MORNING, result="connected")
    with pytest.raises(sa.exc.IntegrityError, match="uq_call_results_record_id"), engine.begin() as connection:
        connection.execute(change)
