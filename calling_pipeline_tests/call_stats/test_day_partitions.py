"""Each day of call records is a partition: made by whoever needs it, dropped when it is old, and an id is of one day."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import retention, store
from calling_pipeline.call_stats.other_days import store as other_days
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.staging import COLUMNS, Stager
from calling_pipeline.database import partitions, sql
from calling_pipeline.database.bulk import copy_stream
from calling_pipeline.vendors.guanke.records import CallRecord
from calling_pipeline_tests.call_stats.conftest import YESTERDAY
from calling_pipeline_tests.support import WAITING, wait_until

DAY = dt.date(2026, 11, 20)
ONE = dt.timedelta(days=1)


def stage(connection, day, ids):
    noon = int(days.day_bounds(day)[0].timestamp()) + 12 * 3600
    sync_store.create_staging(connection)
    with copy_stream(connection, sync_store.STAGING, COLUMNS) as write:
        write(Stager(day, b"key").lines(CallRecord(id=number, called_at_s=noon) for number in ids))


def replace(connection, day, ids):
    stage(connection, day, ids)
    changes = sync_store.replace_day(connection, day, since=None, settled=days.day_bounds(day)[0])
    connection.exec_driver_sql("DROP TABLE incoming_calls")
    return changes


def stored(connection):
    return [(row.id, row.date) for row in connection.execute(sa.text("SELECT id, date FROM call_records ORDER BY id"))]


def names(connection):
    return [one.name for one in partitions.partitions_of(connection, "call_records")]


def test_a_sync_of_a_day_that_no_partition_holds_makes_it(sync, connection):
    old = YESTERDAY - dt.timedelta(days=40)
    (result,) = sync("grade", old)
    assert result.outcome == "stored"
    assert names(connection) == [f"call_records_{old:%Y%m%d}"]


def test_a_partition_that_goes_between_the_begin_of_a_sync_and_its_store_is_made_again(connection):
    assert replace(connection, DAY, [1, 2]).added == 2
    partitions.drop(connection, "call_records", names(connection))
    assert replace(connection, DAY, [1, 2]).added == 2


@pytest.mark.parametrize("known", [0, 5])
def test_of_two_days_that_bring_the_same_ids_at_once_the_one_stored_later_has_them(engine, known):
    with engine.begin() as connection:
        partitions.make(connection, "call_records", partitions.ahead(DAY, 2))
        for day, own in ((DAY, range(100, 100 + known)), (DAY + ONE, range(200, 200 + known))):
            replace(connection, day, own)

    def bring(day, own):
        with engine.begin() as connection:
            replace(connection, day, [*range(20), *own])

    with ThreadPoolExecutor(1) as pool, engine.connect() as watcher:
        with engine.begin() as first:
            replace(first, DAY, [*range(20), 100])
            second = pool.submit(bring, DAY + ONE, [200])
            wait_until(lambda: second.done() or watcher.exec_driver_sql(WAITING).scalar_one())
        second.result(120)
    with engine.connect() as connection:
        assert stored(connection) == [*((number, DAY + ONE) for number in range(20)), (100, DAY), (200, DAY + ONE)]


def test_only_partitions_whose_ids_overlap_are_looked_through(connection, monkeypatch):
    replace(connection, DAY, range(1000, 1010))
    replace(connection, DAY + ONE, range(2000, 2010))
    looked = []

    def noted(path, partition):
        looked.append(partition)
        return sql.load(path, partition=partition)

    monkeypatch.setattr(other_days, "load", noted)
    replace(connection, DAY + 2 * ONE, range(3000, 3010))
    assert looked == []
    assert replace(connection, DAY + 2 * ONE, [2009, *range(3000, 3010)]).changed == 1
    assert looked == ["call_records_20261121"]
    assert (2009, DAY + 2 * ONE) in stored(connection)


def test_old_days_are_dropped_and_leave_nothing_to_clean(sync, engine, stats_runtime):
    old = YESTERDAY - ONE
    sync("grade", old, YESTERDAY)
    with engine.connect() as connection:
        [gone, kept] = names(connection)
        records = connection.exec_driver_sql(f"SELECT count(*) FROM {gone}").scalar_one()
        untouched = connection.exec_driver_sql(f"SELECT pg_relation_filenode('{kept}')").scalar_one()
    now = dt.datetime.combine(YESTERDAY + 89 * ONE, dt.time(3, 30), days.SHANGHAI)
    pruned = retention.prune_by_day(stats_runtime.transaction, now=now, cache_days=30, record_days=90)
    assert pruned.rows["call_records"] == records
    with engine.connect() as connection:
        assert names(connection)[0] == kept
        assert connection.exec_driver_sql(f"SELECT pg_relation_filenode('{kept}')").scalar_one() == untouched
        assert store.oldest_recorded_day(connection) == YESTERDAY


def test_the_partitions_of_the_next_days_are_there_after_housekeeping(stats_runtime, engine):
    now = dt.datetime.combine(DAY, dt.time(3, 30), days.SHANGHAI)
    retention.prune_by_day(stats_runtime.transaction, now=now, cache_days=30, record_days=90)
    with engine.connect() as connection:
        assert names(connection) == [f"call_records_{DAY + number * ONE:%Y%m%d}" for number in range(retention.DAYS_AHEAD)]


def test_of_a_partition_that_holds_kept_days_too_only_the_old_rows_go(connection):
    connection.exec_driver_sql(
        "CREATE TABLE call_records_before PARTITION OF call_records FOR VALUES FROM (MINVALUE) TO ('2026-11-22')"
    )
    replace(connection, DAY, [1, 2])
    replace(connection, DAY + ONE, [2, 3])
    assert stored(connection) == [(1, DAY), (2, DAY + ONE), (3, DAY + ONE)], "an id moves within it, too"
    assert store.oldest_recorded_day(connection) == DAY
    assert store.delete_records(connection, DAY + ONE) == 1
    assert stored(connection) == [(2, DAY + ONE), (3, DAY + ONE)]
    store.delete_records(connection, DAY + 2 * ONE)
    assert names(connection) == []
