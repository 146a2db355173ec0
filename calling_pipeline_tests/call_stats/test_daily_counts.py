"""Every published day is counted by agent, hour, province and dialling task, and each of them is the day."""

import datetime as dt
from collections import Counter

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_stats import retention
from calling_pipeline.call_stats.daily_counts import store
from calling_pipeline.call_stats.daily_counts.catch_up import catch_up
from calling_pipeline.call_stats.daily_counts.tables import (
    PARTS,
    counted_days,
    daily_agents,
    daily_hours,
    daily_province_hours,
    daily_provinces,
    daily_tasks,
)
from calling_pipeline.call_stats.held import decisions
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act
from calling_pipeline_tests.call_stats.test_aggregates import DAY, stage
from calling_pipeline_tests.call_stats.test_aggregates import calls as any_calls

KEYS = {
    daily_agents: lambda one: (one.agent_id,),
    daily_hours: lambda one: (hour_of(one),),
    daily_provinces: lambda one: (one.province or "",),
    daily_province_hours: lambda one: (one.province or "", hour_of(one)),
    daily_tasks: lambda one: (one.task_id or "", one.task_name or ""),
}


def hour_of(one):
    return one.called_at.astimezone(days.SHANGHAI).hour


def naive(records, key):
    """A count by hand: key → calls, connected, talk_s, grade_9, grade_1, orders."""
    found = {}
    for one in records:
        counted = found.setdefault(key(one), [0] * 6)
        more = (1, one.call_state == 2, one.duration_s, one.order_yuan == 9, one.order_yuan == 1, one.order_yuan != 0)
        for place, value in enumerate(more):
            counted[place] += int(value)
    return {key: tuple(values) for key, values in found.items()}


def counted(connection, table, day):
    keys = [column for column in table.primary_key.columns if column.name != "date"]
    counts = [table.c[name] for name in ("calls", "connected", "talk_s", "grade_9", "grade_1", "orders")]
    rows = connection.execute(sa.select(*keys, *counts).where(table.c.date == day)).all()
    return {tuple(row[: len(keys)]): tuple(row[len(keys) :]) for row in rows}


def assert_counted(connection, day):
    records = connection.execute(sa.select(call_records).where(call_records.c.date == day)).all()
    for table, key in KEYS.items():
        assert counted(connection, table, day) == naive(records, key), table.name
    return len(records)


@given(st.lists(any_calls, max_size=30, unique_by=lambda call: call.id))
@settings(deadline=None, max_examples=60)
def test_any_records_are_counted_as_by_hand_and_again_without_a_trace_of_before(class_engine, records):
    with class_engine.connect() as connection:
        stage(connection, records)
        store.count_day(connection, DAY, fetch_number=1)
        store.count_day(connection, DAY, fetch_number=2)
        stored = assert_counted(connection, DAY)
        assert store.counted_of(connection, DAY) == 2
        orders = sum(values[5] for values in counted(connection, daily_hours, DAY).values())
        assert set(store.sums_of_day(connection, DAY).values()) == {(stored, orders)}
        connection.rollback()


def test_a_synced_day_is_counted_with_its_read_and_a_correction_counts_it_anew(sync, engine, guanke):
    sync("grade")
    with engine.connect() as connection:
        before = assert_counted(connection, YESTERDAY)
        first = store.counted_of(connection, YESTERDAY)
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=before + 9)
    sync("grade")
    with engine.connect() as connection:
        assert assert_counted(connection, YESTERDAY) == before + 9
        assert store.counted_of(connection, YESTERDAY) > first


def test_a_held_day_is_counted_only_when_a_person_publishes_it(sync, engine, guanke):
    sync("grade")
    with engine.connect() as connection:
        before = sum(values[5] for values in counted(connection, daily_agents, YESTERDAY).values())
    guanke.plant("unknown_grades", path="/task/cdr/all2", times=None, rows=400, text="九元")
    (held,) = sync("grade")
    assert held.outcome == "held"
    with engine.connect() as connection:
        assert_counted(connection, YESTERDAY)
        assert sum(values[5] for values in counted(connection, daily_agents, YESTERDAY).values()) == before
    with engine.begin() as connection:
        decisions.publish(connection, held.stats.held.id, by="li", why="the vendor confirmed it")
    with engine.connect() as connection:
        assert_counted(connection, YESTERDAY)
        assert sum(values[5] for values in counted(connection, daily_agents, YESTERDAY).values()) < before
        assert store.counted_of(connection, YESTERDAY) == held.proof.fetch_number


def test_retention_keeps_the_counts(sync, engine):
    sync("grade")
    later = dt.datetime.combine(YESTERDAY + dt.timedelta(days=400), dt.time(3, 30), days.SHANGHAI)
    with engine.begin() as connection:
        before = Counter({table.name: len(counted(connection, table, YESTERDAY)) for table in PARTS})
        retention.prune(connection, now=later, cache_days=30, record_days=90)
        assert not connection.execute(sa.select(call_records.c.id).limit(1)).all()
        after = Counter({table.name: len(counted(connection, table, YESTERDAY)) for table in PARTS})
    assert before == after
    assert min(after.values()) > 0


def test_days_of_a_version_before_are_counted_later_once_and_those_whose_records_changed_are_left(sync, engine):
    other = YESTERDAY - dt.timedelta(days=1)
    sync("grade", YESTERDAY, other)
    with engine.begin() as connection:
        for table in (*PARTS, counted_days):
            connection.execute(sa.delete(table))
        lost = sa.select(sa.func.min(call_records.c.id)).where(call_records.c.date == other).scalar_subquery()
        connection.execute(sa.delete(call_records).where(call_records.c.id == lost))
    assert catch_up(engine.begin) == [YESTERDAY]
    assert catch_up(engine.begin) == []
    with engine.connect() as connection:
        assert_counted(connection, YESTERDAY)
        assert counted(connection, daily_agents, other) == {}
