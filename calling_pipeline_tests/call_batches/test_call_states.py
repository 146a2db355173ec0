"""The table of a call's allowed moves, the SQL that moves calls, and the picture of both agree."""

import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import ClaimDecision, Claimed, Result
from calling_pipeline.call_batches.calls.tables import call_tasks
from calling_pipeline.call_batches.records import MOVES, CallState, require_move
from calling_pipeline_tests.call_batches.call_states import DOCUMENT, document
from calling_pipeline_tests.call_batches.desk import phone

STATES: tuple[CallState, ...] = tuple(state for state in MOVES if state is not None)
CLAIM = str(uuid.uuid4())
Act = Callable[[sa.Connection, int, int], object]


def acts() -> Iterator[tuple[str, Act]]:
    """Every way in which the store moves one call, with every state it can be asked for."""
    now = days.now()

    def record(state: CallState) -> Act:
        return lambda c, batch, call: call_store.record(
            c,
            [Result(Claimed(call, phone(1), None, None, None, None, "1", 1, CLAIM), state, "pushed", message="x")],
            now=now,
            by="test",
        )

    def claim(state: Any) -> Act:
        return lambda c, batch, call: call_store.apply_claim(c, CLAIM, [ClaimDecision(call, state, "1", "x")], now)

    def settle(pushed: bool) -> Act:
        return lambda c, batch, call: call_store.settle(c, [call], pushed=pushed, note="", by="test", now=now)

    for state in STATES:
        yield f"record {state}", record(state)
        yield f"claim {state}", claim(state)
    yield "settle as pushed", settle(True)
    yield "settle as retry", settle(False)
    yield "release", lambda c, batch, call: call_store.release(c, batch, CLAIM)
    yield "orphans", lambda c, batch, call: call_store.orphans_to_unknown(c, batch, now=now, by="test")
    yield "cancel", lambda c, batch, call: call_store.skip_pending(c, batch, "cancelled")
    yield "requeue", lambda c, batch, call: call_store.requeue(c, [call], note="", by="test", now=now)


def test_the_database_makes_exactly_the_moves_of_the_table(desk):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.plan()
    (row,) = desk.rows("SELECT id FROM call_tasks")
    seen: set[tuple[CallState, CallState]] = set()
    with desk.engine.connect() as connection:
        for before, batch_state, (name, act) in itertools.product(STATES, ("running", "cancelled"), acts()):
            connection.execute(sa.text("UPDATE call_batches SET state = :state"), {"state": batch_state})
            given = {
                "reason": "x",
                "distinct_id": "1",
                "claim": CLAIM,
                "claimed_at": days.now(),
                "attempts": 1,
            }
            connection.execute(sa.update(call_tasks).values(state=before, **given))
            try:
                act(connection, batch.id, row.id)
                after = connection.execute(sa.select(call_tasks.c.state)).scalar_one()
            except (ValueError, IntegrityError):
                after = before
            connection.rollback()
            assert after == before or after in MOVES[before], f"{name} moved a call from {before} to {after}"
            seen.add((before, after))
    promised = {(before, after) for before in STATES for after in MOVES[before]}
    assert {pair for pair in seen if pair[0] != pair[1]} == promised


def test_the_table_names_every_state_that_the_database_allows(connection):
    allowed = connection.execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_call_tasks_state'")
    ).scalar_one()
    assert set(re.findall(r"'(\w+)'", allowed)) == set(STATES)
    assert {after for moves in MOVES.values() for after in moves} == set(STATES)


def test_planning_brings_calls_into_the_first_states_only(desk):
    desk.work_orders([phone(1), phone(1), "not a number"])
    desk.task()
    desk.plan()
    assert {row.state for row in desk.rows("SELECT state FROM call_tasks")} == set(MOVES[None])


def test_a_forbidden_move_is_refused_before_the_database_is_asked():
    with pytest.raises(ValueError, match="from pushed to pending"):
        require_move("pushed", "pending")


def test_the_page_of_the_states_is_made_from_the_table():
    assert DOCUMENT.read_text(encoding="utf-8") == document()
