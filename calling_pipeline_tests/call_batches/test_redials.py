"""Redials: a number is called again where a rule of its task says so, and never otherwise."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches.records import Batch, Card
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.contact_policy import do_not_call, gate
from calling_pipeline.contact_policy.presets import LIST_ONLY
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline_tests.call_batches.desk import Desk, phone
from calling_pipeline_tests.support import run_together

NOT_CONNECTED = ["not_connected,after=4h,at-most=2"]
RESULT = sa.text(
    "INSERT INTO call_results (call_task_id, batch_id, calling_task_id, day, phone, pushed_at, result, record_id, called_at,"
    " talk_s, order_yuan, hangup_reason, judged_at)"
    " SELECT task.id, batch.id, batch.calling_task_id, batch.day, task.phone, history.last_called_at, :result,"
    " CASE WHEN :result <> 'waiting' THEN task.id END, CASE WHEN :result <> 'waiting' THEN history.last_called_at END,"
    " :talk_s, :order_yuan, :hangup, :now"
    " FROM call_history AS history JOIN call_tasks AS task ON task.id = history.last_call_task_id"
    " JOIN call_batches AS batch ON batch.id = task.batch_id WHERE history.phone = :phone"
    " ON CONFLICT (call_task_id) DO UPDATE SET result = excluded.result, record_id = excluded.record_id,"
    " called_at = excluded.called_at, talk_s = excluded.talk_s, order_yuan = excluded.order_yuan,"
    " hangup_reason = excluded.hangup_reason"
)


def ended(desk: Desk, number: str, result: str, *, talk_s: int | None = None, order_yuan: int = 0, hangup: str = "") -> None:
    """The last call of a number ended so."""
    with desk.engine.begin() as connection:
        connection.execute(RESULT, {"phone": number, "result": result, "talk_s": talk_s, "order_yuan": order_yuan,
                                    "hangup": hangup, "now": days.now()})  # fmt: skip


def later(hours: float) -> None:
    at = days.now() + dt.timedelta(hours=hours)
    days.set_clock(lambda: at)


def left_out(card: Card) -> dict[str, int]:
    return {line.reason: line.rows for line in card.left_out}


def redials(card: Card) -> dict[str, int]:
    return {line.result: line.rows for line in card.redials}


def times_called(desk: Desk) -> Counter[str]:
    return Counter(call["phone"] for call in desk.gateway_calls())


@pytest.fixture(autouse=True)
def clock():
    at = dt.datetime(2026, 11, 30, 9, tzinfo=days.SHANGHAI)
    days.set_clock(lambda: at)
    yield
    days.set_clock(None)


def test_each_result_is_redialled_by_its_own_rule_and_the_card_names_them(desk):
    numbers = [phone(n) for n in range(1, 12)]
    desk.work_orders(numbers)
    desk.task(redial=["not_connected,after=4h,at-most=2", "busy,after=1h,at-most=1", "not_dialled,after=2d,at-most=1",
                      "short_talk,below=10s,after=1h,at-most=1"])  # fmt: skip
    assert desk.run().card.redials == ()
    ended(desk, numbers[0], "not_connected")
    ended(desk, numbers[1], "not_connected", hangup="无人接听")
    ended(desk, numbers[2], "not_connected", hangup="用户忙")
    ended(desk, numbers[3], "not_dialled")
    ended(desk, numbers[4], "connected", talk_s=9)
    ended(desk, numbers[5], "connected", talk_s=10)
    ended(desk, numbers[6], "connected", talk_s=5, order_yuan=9)
    ended(desk, numbers[7], "waiting")
    ended(desk, numbers[8], "connected")
    ended(desk, numbers[9], "not_connected", order_yuan=1)
    later(5)
    shown = runs.preview_task(desk.engine, "new orders")
    batch = desk.plan()
    assert batch.card == shown
    assert redials(batch.card) == {"not_connected": 2, "busy": 1, "short_talk": 1}
    assert left_out(batch.card) == {"called_before": 4, "redial_waiting": 2, "redial_too_soon": 1}
    assert batch.card.adds_up
    rows = desk.rows("SELECT phone, redial, redial_of FROM call_tasks WHERE batch_id = :b AND state = 'pending'", b=batch.id)
    before = {row.phone: row.id for row in desk.rows("SELECT phone, id FROM call_tasks WHERE batch_id < :b", b=batch.id)}
    assert {row.phone: row.redial_of for row in rows} == {number: before[number] for number in numbers[:3] + numbers[4:5]}
    assert desk.push(batch).state == "completed"
    assert {number for number, times in times_called(desk).items() if times == 2} == {*numbers[:3], numbers[4]}
    with desk.engine.connect() as connection:
        assert fact_store.called_too_often(connection, batch.day) == ()


def test_a_number_that_another_system_called_since_is_not_redialled_even_when_that_is_known_late(desk):
    desk.work_orders([phone(1), phone(2), phone(3)])
    desk.task(redial=NOT_CONNECTED)
    desk.run()
    for n in (1, 2, 3):
        ended(desk, phone(n), "not_connected")
    later(5)
    with desk.engine.begin() as connection:
        import_history(connection, [HistoryRow(phone(1), days.now() - dt.timedelta(hours=9))], source="old", by="ann")
    batch = desk.plan()
    assert (redials(batch.card), left_out(batch.card)) == ({"not_connected": 2}, {"called_before": 1})
    with desk.engine.begin() as connection:
        import_history(connection, [HistoryRow(phone(2), days.now())], source="old", by="ann")
    desk.push(batch)
    assert times_called(desk) == {phone(1): 1, phone(2): 1, phone(3): 2}


def test_a_number_is_redialled_as_often_as_the_rule_says_whatever_the_batch(desk):
    desk.work_orders([phone(1)])
    desk.task(redial=NOT_CONNECTED)
    cards = []
    for _ in range(5):
        cards.append(desk.run().card)
        ended(desk, phone(1), "not_connected")
        later(4)
    assert [card.to_call for card in cards] == [1, 1, 1, 0, 0]
    assert left_out(cards[-1]) == {"redial_used_up": 1}
    assert times_called(desk) == {phone(1): 3}


def test_hours_count_from_the_last_contact_of_any_room(desk):
    desk.work_orders([phone(1)])
    desk.task(redial=NOT_CONNECTED)
    desk.run()
    ended(desk, phone(1), "not_connected")
    later(3)
    with desk.engine.begin() as connection:
        assert gate.check_and_record(connection, Attempt(phone(1), "telephony", "t1", days.now()), LIST_ONLY).allowed
    later(3.9)
    assert left_out(desk.plan().card) == {"redial_too_soon": 1}
    later(0.2)
    assert redials(desk.plan().card) == {"not_connected": 1}


def test_a_rule_loosens_nothing_but_the_recall_window_of_its_own_task(desk):
    numbers = [phone(n) for n in range(1, 6)]
    desk.work_orders(numbers)
    desk.task(redial=NOT_CONNECTED, policy={"preset": "list_only", "rolling": [[2, "24h"]]})
    desk.run()
    for number in numbers:
        ended(desk, number, "not_connected")
    later(5)
    desk.work_orders(numbers[1:2], table="others")
    desk.task("other", source_table="others", recall_days=0)
    desk.run("other")
    ended(desk, numbers[1], "not_connected")
    desk.work_orders(numbers[4:5], table="open")
    desk.task("open", source_table="open", recall_days=0)
    desk.plan("open")
    later(5)
    with desk.engine.begin() as connection:
        do_not_call.add(connection, numbers[0], source="complaint")
        refusal = "INSERT INTO gateway_refusals VALUES (:p, :now, 'person', '2001', 0, 0)"
        connection.execute(sa.text(refusal), {"p": numbers[2], "now": days.now()})
        gate.check_and_record(
            connection, Attempt(numbers[3], "telephony", "t2", days.now() - dt.timedelta(hours=4.5)), LIST_ONLY
        )
    assert left_out(desk.plan().card) == {
        "do_not_call": 1, "called_before": 1, "refused_before": 1, "open_elsewhere": 1, "rolling_cap": 1,
    }  # fmt: skip


def test_a_call_of_another_task_within_the_window_stays_in_the_way_after_a_later_call_of_ones_own(desk):
    desk.work_orders([phone(1)])
    desk.task("other", recall_days=0)
    desk.run("other")
    later(1)
    desk.task(recall_days=0, redial=NOT_CONNECTED)
    desk.run()
    ended(desk, phone(1), "not_connected")
    with desk.engine.begin() as connection:
        editing.edit(connection, "new orders", {"recall_days": 30})
    later(5)
    assert left_out(desk.plan().card) == {"called_before": 1}


def test_two_plans_at_once_never_redial_a_number_twice(desk):
    numbers = [phone(n) for n in range(20)]
    desk.work_orders(numbers)
    desk.task(redial=NOT_CONNECTED)
    desk.run()
    for number in numbers:
        ended(desk, number, "not_connected")
    later(5)
    planned: list[Batch] = []
    run_together(*[lambda: planned.append(desk.plan())] * 3)
    assert sorted(batch.card.to_call for batch in planned) == [0, 0, 20]
    for batch in planned:
        desk.push(batch)
    assert set(times_called(desk).values()) == {2}


@pytest.mark.parametrize(
    ("happened", "reason"), [("called", "called_before"), ("connected", "called_before"), ("contacted", "redial_too_soon")]
)
def test_what_happens_between_plan_and_push_keeps_a_redial_from_being_made(desk, happened, reason):
    """The process that planned is gone; hours later another one pushes what it left."""
    desk.work_orders([phone(1)])
    desk.task(redial=NOT_CONNECTED)
    desk.run()
    ended(desk, phone(1), "not_connected")
    later(5)
    batch = desk.plan()
    assert redials(batch.card) == {"not_connected": 1}
    with desk.engine.begin() as connection:
        if happened == "called":
            connection.execute(sa.text("UPDATE call_history SET last_call_task_id = 0, calls = calls + 1"))
        elif happened == "contacted":
            gate.check_and_record(connection, Attempt(phone(1), "telephony", "t", days.now()), LIST_ONLY)
    if happened == "connected":
        ended(desk, phone(1), "connected", talk_s=60)
    desk.push(batch)
    assert times_called(desk) == {phone(1): 1}
    assert desk.one("SELECT reason FROM call_tasks WHERE batch_id = :b", b=batch.id) == reason


def test_a_redial_that_came_too_soon_or_too_often_stops_the_next_batch(desk):
    """The last guard counts in the call log by itself."""
    desk.work_orders([phone(1)])
    desk.task(redial=NOT_CONNECTED)
    for _ in range(3):
        batch = desk.run()
        ended(desk, phone(1), "not_connected")
        later(4)
    kept = sa.text("UPDATE call_batches SET redial = CAST(:rules AS jsonb) WHERE id = :id")
    found = {}
    for after_hours, at_most in ((4, 2), (5, 2), (4, 1)):
        with desk.engine.connect() as connection:
            rules = json.dumps([{"result": "not_connected", "after_hours": after_hours, "at_most": at_most}])
            connection.execute(kept, {"rules": rules, "id": batch.id})
            found[after_hours, at_most] = len(fact_store.called_too_often(connection, batch.day))
    assert found == {(4, 2): 0, (5, 2): 1, (4, 1): 1}
