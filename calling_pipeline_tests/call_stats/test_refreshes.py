"""A refresh is kept while it runs and afterwards: who asked, how far it is, what it changed; also when it is killed."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading

import pytest

from calling_pipeline.access.audit import store as audit
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.changes.changes import changes_of
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.held import decisions
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.refreshes.records import changed
from calling_pipeline.call_stats.sync.refresh import refresh_day
from calling_pipeline.errors import VendorError
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, truth
from calling_pipeline_tests.support import WAITING, join_all, start_process, wait_until

CALLS = "/task/cdr/all2"


@pytest.fixture
def refresh(stats_runtime):
    ours = CallStatsDependencies.from_runtime(stats_runtime)

    def run(track="grade", by="li"):
        return refresh_day(ours.engine, ours.guanke, track, YESTERDAY, phone_key=ours.phone_key, rules=ours.rules, by=by)

    return run


def newest(engine, track="grade"):
    with engine.connect() as connection:
        return refreshes.newest(connection, track, YESTERDAY)


def changes(engine, track="grade"):
    with engine.connect() as connection:
        return changes_of(connection, track, YESTERDAY)


def test_a_refresh_says_who_asked_and_what_it_changed(sync, guanke, refresh, engine):
    (before,) = sync("grade")
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=50)
    refresh()
    kept = newest(engine)
    assert (kept.state, kept.refresh.by) == ("stored", "li")
    assert kept.refresh.pages == kept.refresh.pages_expected > 0
    differs = changed(kept.refresh.numbers_before, kept.refresh.numbers_after)
    assert differs["grade_9"] == (before.stats.grade_9, truth(guanke)["grade_9"])
    assert "total_records" not in differs
    with engine.connect() as connection:
        (row,), _ = audit.entries(connection, act="day.refresh", limit=9)
    assert (row.person, row.subject, row.after["track"]) == ("li", f"day:{YESTERDAY}", "grade")


def test_a_refresh_that_nobody_asked_for_is_no_act_of_a_person(refresh, engine):
    refresh(by="")
    with engine.connect() as connection:
        assert audit.entries(connection, act="day.refresh", limit=9)[0] == []


def test_a_failed_refresh_is_kept_with_its_sentence(sync, guanke, refresh, engine):
    sync("grade")
    guanke.plant("code", path=CALLS, times=None, code=400, message="参数错误")
    with pytest.raises(VendorError, match="参数错误"):
        refresh()
    kept = newest(engine)
    assert kept.state == "failed"
    assert "参数错误" in kept.refresh.error
    assert kept.refresh.numbers_after == kept.refresh.numbers_before
    assert [one.kind for one in changes(engine)] == ["failed", "read"]


def test_others_see_how_far_a_refresh_of_another_process_is_and_that_it_was_killed(guanke, stats_runtime, engine):
    guanke.plant("hang", path="page=2&", times=None, seconds=60)
    given = stats_runtime.settings
    process = start_process(
        [sys.executable, "-m", "calling_pipeline_tests.call_stats.refresh_driver", "grade", YESTERDAY.isoformat(), "li"],
        env={
            **os.environ,
            "CALLING_DATABASE_URL": given.database_url.get_secret_value(),
            "CALLING_GUANKE_BASE_URL": given.guanke_base_url,
            "CALLING_SECRET_KEY": given.secret_key.get_secret_value(),
        },
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: newest(engine).refresh is not None and newest(engine).refresh.pages > 0)
    running = newest(engine)
    assert (running.state, running.refresh.by) == ("running", "li")
    assert running.refresh.pages < running.refresh.pages_expected
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: newest(engine).state == "interrupted")
    assert [(one.kind, one.by) for one in changes(engine)] == [("interrupted", "li")]
    guanke.clear_faults()


def test_there_are_never_two_refreshes_of_a_day_at_once(sync, guanke, refresh, engine):
    sync("grade")
    guanke.plant("slow", path=CALLS, times=1, seconds=60)
    results = []
    first = threading.Thread(target=lambda: results.append(refresh(by="first")))
    first.start()
    wait_until(lambda: newest(engine).state == "running" and newest(engine).refresh is not None)
    second = threading.Thread(target=lambda: results.append(refresh(by="second")))
    second.start()
    with engine.connect() as watcher:
        wait_until(lambda: watcher.exec_driver_sql(WAITING).scalar_one())
    guanke.clear_faults()
    join_all(first, second)
    with engine.connect() as connection:
        assert [one.by for one in refreshes.of_day(connection, "grade", YESTERDAY)] == ["first"]
    assert sorted(result.joined for result in results) == [False, True]


def test_how_a_number_came_to_change_names_each_read_and_who_published(sync, guanke, refresh, engine):
    (first,) = sync("grade", sync_type="historical")
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=50)
    refresh()
    guanke.plant("unknown_grades", path=CALLS, times=None, rows=400, text="九元")
    sync("grade", sync_type="long_historical")
    assert [one.kind for one in changes(engine)] == ["held", "read", "read"]
    with engine.begin() as connection:
        (held,) = held_store.held(connection)
        decisions.publish(connection, held.id, by="wang", why="确认无误")
    published, refreshed, read = changes(engine)
    assert (read.kind, read.sync_type, read.by, read.differs) == ("read", "historical", "", None)
    assert read.rows_added == first.stats.total_records
    assert (refreshed.sync_type, refreshed.by) == ("manual", "li")
    assert refreshed.differs["grade_9"][0] == first.stats.grade_9
    assert refreshed.rows_changed > 0
    assert (published.kind, published.by, published.said[0]) == ("published", "wang", "确认无误")
    assert published.differs["grade_9"] == (refreshed.numbers["grade_9"], published.numbers["grade_9"])
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY).grade_9 == published.numbers["grade_9"]


def test_a_held_read_that_is_dropped_changes_no_number(sync, guanke, engine):
    sync("grade")
    guanke.plant("unknown_grades", path=CALLS, times=None, rows=400, text="九元")
    sync("grade")
    with engine.begin() as connection:
        (held,) = held_store.held(connection)
        decisions.discard(connection, held.id, by="wang", why="供应商改名")
    dropped, read = changes(engine)
    assert (dropped.kind, dropped.by, dropped.publishes) == ("discarded", "wang", False)
    guanke.clear_faults()
    sync("grade")
    assert changes(engine)[0].differs == {}
    assert read.publishes


def test_the_task_track_keeps_its_numbers_with_each_read(sync, engine):
    (first,) = sync("task")
    (change,) = changes(engine, "task")
    assert change.numbers == {
        "tasks": first.stats.total_tasks,
        "calls": first.stats.callout_number,
        "connected": first.stats.called_number,
        "successes": first.stats.success_number,
    }
    assert change.rows_added is None


def test_a_day_that_retention_deletes_leaves_no_refresh(refresh, engine):
    refresh()
    with engine.begin() as connection:
        assert refreshes.delete_refreshes(connection, YESTERDAY) == 0
        assert refreshes.delete_refreshes(connection, YESTERDAY + dt.timedelta(days=1)) == 1
