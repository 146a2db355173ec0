"""Two syncs of one day, and one that is killed: with real sessions and real processes."""

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import TaskSums
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.database import locks
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, proof_of, truth
from calling_pipeline_tests.support import LIMIT_S, WAITING, join_all, start_process, wait_until

DRIVER = "calling_pipeline_tests.call_stats.sync_driver"


def start(runtime, track="grade", **environment):
    given = runtime.settings
    return start_process(
        [sys.executable, "-m", DRIVER, track, YESTERDAY.isoformat()],
        env={
            **os.environ,
            "CALLING_DATABASE_URL": given.database_url.get_secret_value(),
            "CALLING_GUANKE_BASE_URL": given.guanke_base_url,
            "CALLING_SECRET_KEY": given.secret_key.get_secret_value(),
            **environment,
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def records(engine):
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT count(*) FROM call_records")).scalar_one()


def test_a_process_killed_in_the_middle_of_a_sync_leaves_the_old_numbers(sync, guanke, stats_runtime, engine):
    (before,) = sync("grade")
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=50)
    guanke.plant("hang", path="page=2&", times=None, seconds=60)
    process = start(stats_runtime)
    assert process.stdout.readline() == "first page staged\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY) == before.stats
    guanke.clear_faults()
    (after,) = sync("grade")
    assert after.stats.grade_9 == truth(guanke)["grade_9"] > before.stats.grade_9


def test_two_processes_that_sync_the_same_day_give_what_one_gives(guanke, stats_runtime, engine):
    processes = [start(stats_runtime) for _ in range(2)]
    assert [process.wait(LIMIT_S) for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    expected = truth(guanke)
    with engine.connect() as connection:
        cached = store.read_grade_day(connection, YESTERDAY)
        assert sum(row.orders for row in store.read_agents(connection, YESTERDAY)) == expected["total_success"]
    assert (cached.grade_9, cached.total_records) == (expected["grade_9"], expected["total_records"])
    assert cached.complete
    assert records(engine) == expected["total_records"]


def test_an_older_read_never_overwrites_a_newer_one(sync, guanke, engine):
    """The older read has fetched everything and waits for the day's lock while a newer read with corrections is stored."""
    results = {}
    held = threading.Event()
    release = threading.Event()

    def hold_after_last_page(day, done, expected):
        if done == expected:
            held.set()
            release.wait(LIMIT_S)

    older = threading.Thread(target=lambda: results.update(old=sync("grade", progress=hold_after_last_page)[0]))
    older.start()
    assert held.wait(LIMIT_S)
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=40)
    (newer,) = sync("grade")
    release.set()
    join_all(older)
    assert results["old"].outcome == "superseded"
    assert results["old"].stats == newer.stats
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY) == newer.stats
        assert newer.stats.grade_9 == truth(guanke)["grade_9"]


def test_a_read_waits_for_the_days_lock_and_then_looks_again(sync, engine):
    """A session that stores a day holds its lock: a read that arrives during that time must see what was stored, and end."""
    results = {}
    (first,) = sync("grade")
    with engine.connect() as holder, engine.connect() as watcher:
        locks.hold(holder, "call_stats", "grade", YESTERDAY)
        thread = threading.Thread(target=lambda: results.update(late=sync("grade")[0]))
        thread.start()
        wait_until(lambda: watcher.exec_driver_sql(WAITING).scalar_one() or "late" in results)
        sync_store.add_proof(holder, dataclasses.replace(first.proof, fetch_number=10**9))
        holder.commit()
        join_all(thread)
    assert results["late"].outcome == "superseded"


def test_an_older_task_read_never_overwrites_a_newer_one(sync, guanke, engine):
    results = {}
    held, release = threading.Event(), threading.Event()

    def hold(day, done, expected):
        held.set()
        release.wait(LIMIT_S)

    older = threading.Thread(target=lambda: results.update(old=sync("task", progress=hold)[0]))
    older.start()
    assert held.wait(LIMIT_S)
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=700)
    (newer,) = sync("task")
    release.set()
    join_all(older)
    assert results["old"].outcome == "superseded"
    with engine.connect() as connection:
        assert store.read_task_day(connection, YESTERDAY) == newer.stats


@pytest.mark.parametrize("cached_before", [False, True], ids=["a new day", "a cached day"])
@pytest.mark.parametrize("track", ["grade", "task"])
def test_an_older_fetch_that_waits_at_the_cached_row_does_not_replace_a_newer_one(engine, track, cached_before):
    """Without the day's lock, too: the row itself compares fetch numbers, after it has waited for the other session."""

    def publish(connection, fetch_number, tasks):
        proof = proof_of(track, YESTERDAY, fetch_number=fetch_number)
        if track == "grade":
            count = sync_store.count_day(connection, YESTERDAY)
            sync_store.publish_grade_day(connection, proof, count, now=days.now(), elapsed_s=float(fetch_number))
        else:
            sync_store.publish_task_day(connection, proof, TaskSums(tasks=tasks), now=days.now())

    def publish_older():
        with engine.begin() as connection:
            publish(connection, fetch_number=2, tasks=20)

    if cached_before:
        with engine.begin() as connection:
            publish(connection, fetch_number=1, tasks=10)
    older = threading.Thread(target=publish_older)
    with engine.connect() as newer, engine.connect() as watcher:
        publish(newer, fetch_number=3, tasks=30)
        expected = store.read_day(newer, track, YESTERDAY)
        older.start()
        wait_until(lambda: watcher.exec_driver_sql(WAITING).scalar_one())
        newer.commit()
        join_all(older)
        assert store.read_day(watcher, track, YESTERDAY) == expected
    with engine.begin() as connection:
        publish(connection, fetch_number=4, tasks=40)
        assert store.read_day(connection, track, YESTERDAY) != expected


def test_readers_see_the_old_numbers_or_the_new_ones_and_never_a_mixture(sync, guanke, engine):
    sync("grade")
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=3000)
    seen, stop = set(), threading.Event()

    def watch():
        query = sa.text("""
            SELECT (SELECT count(*) FROM call_records), (SELECT total_records FROM grade_stats_cache),
                (SELECT sum(calls) FROM agent_ranking), (SELECT sum(calls) FROM hourly_orders)
        """)
        while not stop.is_set():
            with engine.connect() as connection:
                seen.add(tuple(connection.execute(query).one()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    sync("grade")
    wait_until(lambda: (3000,) * 4 in seen)
    stop.set()
    join_all(watcher)
    assert all(len(set(row)) == 1 for row in seen)


def test_a_day_with_fewer_calls_than_before_loses_the_vanished_ones(sync, guanke, engine):
    sync("grade")
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=150)
    (after,) = sync("grade")
    assert (after.stats.total_records, records(engine)) == (150, 150)
    assert after.proof.rows_removed > 1000


def test_days_do_not_touch_each_other(sync, engine):
    day_before = YESTERDAY - dt.timedelta(days=1)
    first, second = sync("grade", day_before, YESTERDAY)
    sync("grade", YESTERDAY)
    with engine.connect() as connection:
        assert store.read_grade_day(connection, day_before) == first.stats
    assert first.stats.total_records + second.stats.total_records == records(engine)
