"""What has been kept long enough goes, and nothing else."""

import datetime as dt
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import retention, store
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline_tests.call_stats.conftest import YESTERDAY


def prune(engine, *, on, cache_days=30, record_days=90):
    with engine.begin() as connection:
        return retention.prune(
            connection,
            now=dt.datetime.combine(on, dt.time(3, 30), days.SHANGHAI),
            cache_days=cache_days,
            record_days=record_days,
        )


def count(engine, table):
    with engine.connect() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_caches_go_after_30_days_and_call_records_stay_longer(sync, engine):
    old = YESTERDAY - dt.timedelta(days=1)
    sync("grade", old, YESTERDAY)
    sync("task", old, YESTERDAY)
    nothing = prune(engine, on=old + dt.timedelta(days=29))
    assert (nothing.total, nothing.first_cached_day) == (0, old)
    pruned = prune(engine, on=old + dt.timedelta(days=30))
    assert {name: rows for name, rows in pruned.rows.items() if rows} == {
        "grade_stats_cache": 1,
        "task_stats_cache": 1,
        "agent_ranking": pruned.rows["agent_ranking"],
        "hourly_orders": pruned.rows["hourly_orders"],
    }
    with engine.connect() as connection:
        assert store.read_grade_day(connection, old) is None
        assert store.read_grade_day(connection, YESTERDAY).complete
        kept = connection.execute(sa.text("SELECT count(*) FROM call_records WHERE date = :day"), {"day": old})
        assert kept.scalar_one() > 0
    assert prune(engine, on=old + dt.timedelta(days=30)).total == 0


def test_call_records_and_their_proofs_go_at_the_end(sync, engine):
    sync("grade")
    records = count(engine, "call_records")
    pruned = prune(engine, on=YESTERDAY + dt.timedelta(days=90))
    assert (pruned.rows["call_records"], pruned.rows["fetch_proofs"]) == (records, 1)
    assert count(engine, "call_records") == 0


def test_call_records_are_never_kept_shorter_than_the_caches(sync, engine):
    sync("grade")
    assert prune(engine, on=YESTERDAY + dt.timedelta(days=20), cache_days=30, record_days=11).total == 0


def test_proofs_of_superseded_reads_go_after_two_weeks_but_never_the_published_one(sync, engine):
    for _ in range(3):
        (newest,) = sync("grade")
    assert prune(engine, on=YESTERDAY + dt.timedelta(days=13)).total == 0
    assert prune(engine, on=YESTERDAY + dt.timedelta(days=16)).rows["fetch_proofs"] == 2
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY).proof == newest.proof


def test_old_records_go_day_by_day_and_the_sums_are_those_of_all_days(sync, stats_runtime, engine):
    first, second = YESTERDAY - dt.timedelta(days=2), YESTERDAY - dt.timedelta(days=1)
    sync("grade", first, second, YESTERDAY)
    old = count(engine, "call_records") - count(engine, f"call_records WHERE date = '{YESTERDAY}'")
    opened = []

    @contextmanager
    def transaction():
        opened.append(1)
        with stats_runtime.transaction() as connection:
            yield connection

    now = dt.datetime.combine(YESTERDAY + dt.timedelta(days=89), dt.time(3, 30), days.SHANGHAI)
    pruned = retention.prune_by_day(transaction, now=now, cache_days=30, record_days=90)
    assert pruned.rows["call_records"] == old
    assert pruned.first_recorded_day == YESTERDAY
    assert len(opened) == 5, "the partitions of the next days, two days, the look that finds no more, and the rest"
    with engine.connect() as connection:
        assert store.oldest_recorded_day(connection) == YESTERDAY


NOTICES = [
    ((0, 29), None),
    ((30,), "2026-10-25: older than the 30 days that the caches are kept. The next housekeeping deletes their caches;"),
    ((29, 30, 31), "2 days (2026-10-24 … 2026-10-25): older"),
    ((30, 90), "2 days (2026-08-26 … 2026-10-25): older than the 30 days that the caches are kept. The next housekeeping"
     " deletes their caches; call records of days before 2026-08-27 go too; daily_history keeps the days' numbers"),
    ((90, 400), "2 days (2025-10-20 … 2026-08-26): older than the 30 days that the caches are kept. The next housekeeping"
     " deletes their caches and call records; daily_history keeps the days' numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("ages", "said"), NOTICES)
def test_a_read_of_old_days_says_what_will_not_stay(ages, said):
    today = dt.date(2026, 11, 24)
    notice = retention.notice([today - dt.timedelta(days=age) for age in ages], today, cache_days=30, record_days=90)
    assert notice is None if said is None else notice.startswith(said)


def test_the_oldest_day_is_found_in_a_partition_of_several_days_whatever_was_written_first(engine):
    first = dt.date(2019, 5, 1)
    with engine.begin() as connection:
        bounds = f"FOR VALUES FROM ('{first}') TO ('{first + dt.timedelta(days=30)}')"
        connection.exec_driver_sql(f"CREATE TABLE call_records_before PARTITION OF call_records {bounds}")
        for number, day in enumerate((first + dt.timedelta(days=9), first), 1):
            values = {"id": number, "date": day, "called_at": dt.datetime.combine(day, dt.time(9), days.SHANGHAI)}
            plain = {"duration_s": 0, "order_yuan": 0, "agent_id": "", "phone_masked": "138****0000"}
            connection.execute(call_records.insert().values(**values, **plain))
        assert store.oldest_recorded_day(connection) == first
