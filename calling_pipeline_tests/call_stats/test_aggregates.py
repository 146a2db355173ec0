"""The aggregates equal a count by hand, for any day the vendor may have."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.grades import order_yuan
from calling_pipeline.call_stats.records import TaskSums
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.staging import COLUMNS, Stager
from calling_pipeline.database import partitions
from calling_pipeline.database.bulk import copy_stream
from calling_pipeline.database.sql import statement_of
from calling_pipeline.vendors.guanke.records import CallRecord
from calling_pipeline_tests.call_stats.conftest import proof_of

DAY = dt.date(2026, 11, 20)
NOON = int(days.day_bounds(DAY)[0].timestamp()) + 12 * 3600

texts = st.one_of(
    st.none(), st.text(alphabet=st.characters(codec="utf-8"), max_size=8), st.sampled_from(["9元", "1", "19元"])
)
calls = st.builds(
    CallRecord,
    id=st.integers(0, 10**12),
    called_at_s=st.integers(NOON - 12 * 3600, NOON + 12 * 3600 - 1),
    task_id=st.one_of(st.none(), st.integers(0, 5), st.text(max_size=3)),
    task_name=texts,
    phone=st.sampled_from(["138****0000", "", "13812345678"]),
    real_phone=st.one_of(st.none(), st.from_regex(r"1[3-9]\d{9}", fullmatch=True), st.just("+86 138-1234-5678")),
    call_state=st.sampled_from([None, 0, 1, 2]),
    duration_s=st.integers(0, 5000),
    grade=texts,
    agent_id=st.one_of(st.none(), st.sampled_from(["a", "b", 7, "c\td", "\\N"])),
    province=texts,
    city=texts,
)


def stage(connection, records, key=b"key"):
    sync_store.create_staging(connection)
    with copy_stream(connection, sync_store.STAGING, COLUMNS) as write:
        write(Stager(DAY, key).lines(records))
    start = days.day_bounds(DAY)[0]
    return sync_store.replace_day(connection, DAY, since=None, settled=start)


@given(st.lists(calls, max_size=30, unique_by=lambda call: call.id))
@settings(deadline=None)
def test_any_records_are_stored_as_they_came_and_counted_right(class_engine, records):
    with class_engine.connect() as connection:
        stage(connection, records)
        count = sync_store.count_day(connection, DAY)
        sync_store.publish_grade_day(connection, proof_of("grade", DAY), count, now=days.now(), elapsed_s=0.1)
        sync_store.rank_agents(connection, DAY)
        sync_store.count_hours(connection, DAY)
        cached = store.read_grade_day(connection, DAY)
        stored = {row.id: row for row in connection.execute(sa.text("SELECT * FROM call_records"))}
        agents, hours = store.read_agents(connection, DAY), store.read_hours(connection, DAY)
        connection.rollback()
    orders = Counter(order_yuan(None if call.grade is None else str(call.grade)) for call in records)
    assert (cached.grade_9, cached.grade_1, cached.total_records) == (orders[9], orders[1], len(records))
    for call in records:
        row = stored[call.id]
        kept = [row.grade, row.task_name, row.province, row.city, row.duration_s, row.call_state]
        came = [call.grade, call.task_name, call.province, call.city, call.duration_s, call.call_state]
        assert kept == [
            value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value for value in came
        ]
        assert row.agent_id == ("" if call.agent_id is None else str(call.agent_id))
        assert row.called_at.timestamp() == call.called_at_s
    assert sum(row.orders for row in agents) == sum(row.orders for row in hours) == orders[9] + orders[1]
    assert [row.orders for row in agents if row.agent_id] == sorted(
        (row.orders for row in agents if row.agent_id), reverse=True
    )


@pytest.mark.parametrize(
    ("calls", "connected", "rate"),
    [(0, 0, "0"), (3, 1, "33.33"), (3, 2, "66.67"), (8, 1, "12.50"), (800, 1, "0.13"), (5, 5, "100.00")],
)
def test_the_connected_rate_is_a_percentage_with_two_decimals_and_0_when_nothing_was_dialled(
    connection, calls, connected, rate
):
    sums = TaskSums(tasks=1, calls=calls, connected=connected)
    sync_store.publish_task_day(connection, proof_of("task", DAY), sums, now=days.now())
    assert store.read_task_day(connection, DAY).connected_rate == Decimal(rate)


def test_phones_are_masked_and_hashed_the_same_however_they_are_written(connection):
    same = ["13812345678", "+86 138-1234-5678", "008613812345678"]
    records = [CallRecord(id=n, called_at_s=NOON, real_phone=phone) for n, phone in enumerate(same)]
    masked = CallRecord(id=9, called_at_s=NOON, phone="138****5678")
    stage(connection, [*records, masked])
    rows = connection.execute(sa.text("SELECT phone_masked, phone_hash FROM call_records ORDER BY id")).all()
    assert {row.phone_masked for row in rows} == {"138****5678"}
    assert len({bytes(row.phone_hash) for row in rows[:3]}) == 1
    assert rows[3].phone_hash is None


def test_the_days_query_reads_the_days_partition_only(connection):
    partitions.make(connection, "call_records", partitions.ahead(dt.date(2026, 11, 19), 3))
    plan = "\n".join(
        connection.execute(sa.text("EXPLAIN SELECT count(*) FROM call_records WHERE date = '2026-11-20'")).scalars()
    )
    assert "call_records_20261120" in plan
    assert "call_records_20261119" not in plan


def test_the_ids_of_a_day_are_sorted_only_when_its_key_is_gone(connection):
    stage(connection, [CallRecord(id=n, called_at_s=NOON) for n in (1, 2)])
    begin, end = days.day_bounds(DAY)
    explain = sa.text(f"EXPLAIN (ANALYZE, COSTS OFF) {statement_of('call_stats/facts/day_counts')}")

    def sorting():
        plan = connection.execute(explain, {"day": DAY, "start": begin, "next_day": end}).scalars().all()
        [counting] = [line for line in plan if "call_records_20261120 other" in line]
        return "never executed" not in counting

    assert not sorting()
    connection.execute(sa.text("ALTER TABLE call_records DROP CONSTRAINT pk_call_records"))
    assert sorting()


def test_an_id_known_from_another_day_moves_to_the_day_it_was_read_for(connection):
    stage(connection, [CallRecord(id=n, called_at_s=NOON) for n in (1, 2)])
    partitions.make(connection, "call_records", [DAY - dt.timedelta(days=1)])
    connection.execute(sa.text("UPDATE call_records SET date = date - 1"))
    connection.execute(sa.text("DROP TABLE incoming_calls"))
    changes = stage(connection, [CallRecord(id=n, called_at_s=NOON) for n in (2, 3)])
    assert (changes.added, changes.changed) == (1, 1)
    rows = connection.execute(sa.text("SELECT id, date FROM call_records ORDER BY id")).all()
    assert [(row.id, row.date == DAY) for row in rows] == [(1, False), (2, True), (3, True)]
