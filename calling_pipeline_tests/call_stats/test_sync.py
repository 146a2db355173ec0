"""Syncing a day: what is stored equals what the vendor has, once, whole, or not at all."""

import sqlalchemy as sa

from calling_pipeline.call_stats import store
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, truth


def numbers(day):
    return {name: getattr(day, name) for name in ("grade_9", "grade_1", "total_success", "total_records")}


def test_a_synced_grade_day_is_what_the_vendor_has(sync, guanke, connection):
    (result,) = sync("grade")
    expected = truth(guanke)
    cached = store.read_grade_day(connection, YESTERDAY)
    assert cached == result.stats
    assert numbers(cached) == {name: expected[name] for name in numbers(cached)}
    assert cached.complete
    assert cached.proof.reported_total == cached.proof.distinct_ids == expected["total_records"] > 1000
    assert {row.hour: row.orders for row in store.read_hours(connection, YESTERDAY) if row.orders} == {
        int(hour): orders for hour, orders in expected["orders_by_hour"].items()
    }
    agents = store.read_agents(connection, YESTERDAY)
    assert {row.agent_id: row.orders for row in agents if row.orders} == expected["orders_by_agent"]
    stored = set(connection.execute(sa.text("SELECT id FROM call_records WHERE date = :day"), {"day": YESTERDAY}).scalars())
    assert stored == set(expected["ids"])


def test_a_synced_task_day_is_what_the_vendor_has(sync, guanke, connection):
    sync("task")
    expected = truth(guanke)["task_stats"]
    cached = store.read_task_day(connection, YESTERDAY)
    assert {name: float(getattr(cached, name)) for name in expected} == expected
    assert cached.complete


def test_syncing_twice_writes_no_row_again_and_changes_no_number(sync, connection):
    first, second = sync("grade")[0], sync("grade")[0]
    assert numbers(first.stats) == numbers(second.stats)
    assert (first.proof.rows_added, second.proof.rows_added) == (first.stats.total_records, 0)
    assert second.proof.rows_changed == second.proof.rows_removed == 0
    touched = connection.execute(sa.text("SELECT count(*) FROM call_records WHERE xmax <> 0")).scalar_one()
    assert touched == 0, "a row that is as it was is not even locked: that writes its page"
