"""A batch whose calls are ordered by hour: planned, pushed hour by hour, learned from, and switched off."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.analysis.best_time import store
from calling_pipeline.analysis.best_time.charts import best_time_charts
from calling_pipeline.analysis.best_time.learning import learn
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.registry import Question
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline_tests.call_batches.desk import phone

MONDAY = dt.date(2026, 11, 23)
WANTED = {"goal": "connected", "explore": 0.25}
HOURS = {"preset": "list_only", "hours": "08:00-21:00"}


@pytest.fixture
def clock():
    now = [dt.datetime.combine(MONDAY, dt.time(9, 30), days.SHANGHAI)]
    days.set_clock(lambda: now[0])
    yield now
    days.set_clock(None)


def planned(desk, count=200, **task):
    desk.work_orders([phone(number) for number in range(count)])
    desk.task(policy=HOURS, best_time=WANTED, **task)
    return desk.plan()


def test_each_call_gets_one_hour_within_the_calling_hours_and_a_quarter_explores(desk, clock):
    batch = planned(desk)
    rows = desk.rows("SELECT arm, slot, not_before FROM call_tasks WHERE batch_id = :b", b=batch.id)
    assert len(rows) == 200
    assert sum(row.arm == "exploring" for row in rows) == 50
    assert {row.slot.astimezone(days.SHANGHAI).hour for row in rows} <= set(range(9, 21))
    assert all(row.slot >= clock[0] for row in rows)
    assert all(row.not_before == (row.slot if row.slot > clock[0] else None) for row in rows)
    kept = desk.one("SELECT best_time FROM call_batches WHERE id = :b", b=batch.id)
    assert kept == {**WANTED, "slots": 12, "placed": 200, "exploring": 50, "chance": 0.25}


def test_a_task_without_it_and_a_batch_with_one_hour_left_are_called_as_before(desk, clock):
    desk.work_orders([phone(number) for number in range(10)])
    desk.task(policy=HOURS)
    desk.plan()
    clock[0] = clock[0].replace(hour=20)
    desk.task("late", policy=HOURS, best_time=WANTED, recall_days=0)
    desk.work_orders([phone(number) for number in range(20, 30)])
    desk.plan("late")
    assert desk.rows("SELECT 1 FROM call_tasks WHERE slot IS NOT NULL OR not_before IS NOT NULL") == []


def test_what_does_not_fit_into_the_hours_is_called_as_soon_as_the_rate_allows(desk, clock):
    clock[0] = clock[0].replace(hour=19)
    batch = planned(desk, rate_per_s=0.02)  # 36 in what is left of this hour, 72 in the next
    rows = desk.rows("SELECT slot, not_before FROM call_tasks WHERE batch_id = :b AND state = 'pending'", b=batch.id)
    assert len(rows) == 200
    assert sum(row.slot is not None for row in rows) == 108
    assert all(row.not_before is None for row in rows if row.slot is None)


def test_only_the_calls_of_hours_that_have_begun_are_pushed_and_the_batch_waits_for_the_next(desk, clock):
    batch = planned(desk)
    first = desk.one("SELECT count(*) FROM call_tasks WHERE not_before IS NULL AND state = 'pending'")
    left = desk.push(batch)
    assert left.state == "waiting"
    assert len(desk.gateway_calls()) == first
    assert left.resume_at == dt.datetime.combine(MONDAY, dt.time(10), days.SHANGHAI)
    clock[0] = clock[0].replace(hour=20, minute=1)
    assert desk.push(batch).state == "completed"
    assert len(desk.gateway_calls()) == 200
    desk.judge()


def results(desk, *, better):
    """Every call was pushed and got its record. With `better` all of the ordered ones connect, else a third of each arm."""
    chance = "task.arm = 'ordered'" if better else "task.id % 3 = 0"
    with desk.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO call_results (call_task_id, batch_id, calling_task_id, day, phone, pushed_at, result,"
                " record_id, called_at, province, judged_at)"
                " SELECT task.id, batch.id, batch.calling_task_id, batch.day, task.phone,"
                f" task.slot, CASE WHEN {chance} THEN 'connected' ELSE 'not_connected' END, task.id, task.slot, '浙江',"
                " task.slot FROM call_tasks AS task JOIN call_batches AS batch ON batch.id = task.batch_id"
                " WHERE task.state = 'pending'"
            )
        )
        connection.exec_driver_sql("UPDATE call_tasks SET state = 'pushed' WHERE state = 'pending'")


def four_weeks(desk, clock, *, better):
    """A batch of four hundred calls in each of four weeks, and the night after each."""
    desk.work_orders([])
    desk.task(policy=HOURS, best_time=WANTED, recall_days=0)
    learned = []
    for week in range(4):
        desk.work_orders([phone(1000 * week + number) for number in range(400)])
        clock[0] = dt.datetime.combine(MONDAY + dt.timedelta(weeks=week, days=1), dt.time(9), days.SHANGHAI)
        desk.plan()
        results(desk, better=better)
        clock[0] = dt.datetime.combine(MONDAY + dt.timedelta(weeks=week + 1), dt.time(3, 30), days.SHANGHAI)
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM crm.work_orders")
            learned += learn(connection)
    return [one for one in learned if one.look is not None]


def test_where_the_order_is_no_better_it_switches_itself_off_says_why_and_a_person_may_begin_anew(desk, clock):
    looks = four_weeks(desk, clock, better=False)
    assert [one.look.verdict for one in looks][-1] == "off"
    assert desk.one("SELECT best_time FROM calling_tasks") is None
    act = desk.rows("SELECT person, act, reason FROM audit_log WHERE act = 'best_time.off'")
    assert [(row.person, row.act) for row in act] == [("program", "best_time.off")]
    assert "not shown to be better within 28 days" in act[0].reason
    with desk.engine.begin() as connection:
        [(number, _, on)] = store.tasks(connection)
        assert not on
        assert store.state(connection, number).off_at is not None
        [alert] = alert_store.open_conditions(connection, "best_time_off")
        assert alert.subject == f"calling task {number}"
        editing.edit(connection, "new orders", {"enabled": False})
        assert len(alert_store.open_conditions(connection, "best_time_off")) == 1  # a pause decides nothing
        editing.edit(connection, "new orders", {"best_time": WANTED})
        assert store.state(connection, number).off_at is None
        assert store.state(connection, number).since == days.today()
        assert alert_store.open_conditions(connection, "best_time_off") == []


def test_where_it_is_better_it_stays_and_what_it_learned_orders_the_next_batch(desk, clock):
    looks = four_weeks(desk, clock, better=True)
    assert "off" not in {one.look.verdict for one in looks}
    assert looks[-1].look.verdict == "proven"
    assert looks[-1].look.measured.low > 0.5
    assert desk.one("SELECT best_time FROM calling_tasks") == WANTED
    assert desk.one("SELECT count(*) FROM best_time_rates") == 7 * 24 * 2
    assert desk.one("SELECT province FROM number_segments LIMIT 1") == "浙江"
    with desk.engine.connect() as connection:
        found = ANALYSES["best_time"].compute(connection, Question(MONDAY, days.today()))
    figures = {one.name: one for one in found.figures}
    assert figures["uplift"].low > 50
    assert figures["exploring_calls"].value == 400
    assert [len(one.rows) for one in found.tables] == [1, 4, 7 * 16]
    assert best_time_charts(found, "zh")
