"""The six schedules tick at exactly the timetable's minutes, ask for their window in one run, and never pile up."""

import datetime as dt
import uuid

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.definitions import build
from calling_pipeline.settings import load
from calling_pipeline_tests.support import yesterday

DAY = dt.date(2026, 11, 20)
START = load().partition_start
NAMES = ("task_stats_t10", "task_stats_t3", "task_stats_today", "grade_stats_t10", "grade_stats_t3", "grade_stats_today")
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@pytest.fixture
def repository(stats_runtime):
    return build(stats_runtime).get_repository_def()


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def tick(repository, instance, name, when):
    with dg.build_schedule_context(
        instance=instance, repository_def=repository, scheduled_execution_time=when
    ) as context, days.frozen(when):  # fmt: skip
        return repository.get_schedule_def(name).evaluate_tick(context)


def at(hour, minute=0, day=DAY):
    return dt.datetime.combine(day, dt.time(hour, minute), days.SHANGHAI)


def ticks_of_a_day(schedule):
    from dagster._utils.schedules import cron_string_iterator

    found = []
    start = at(0) - dt.timedelta(seconds=1)
    for instant in cron_string_iterator(start.timestamp(), schedule.cron_schedule, schedule.execution_timezone):
        local = instant.astimezone(days.SHANGHAI)
        if local.date() > DAY:
            break
        found.append(f"{local:%H:%M}")
    return found


def test_each_schedule_ticks_at_exactly_the_timetables_minutes(repository):
    hourly = [f"{hour:02d}:00" for hour in range(9, 24)]
    every_ten = [f"{hour:02d}:{minute:02d}" for hour in range(9, 24) for minute in range(0, 60, 10)]
    assert {name: ticks_of_a_day(repository.get_schedule_def(name)) for name in NAMES} == {
        "task_stats_t10": ["07:00"],
        "task_stats_t3": ["01:00", "10:00", "15:00", "21:00"],
        "task_stats_today": hourly,
        "grade_stats_t10": ["07:05"],
        "grade_stats_t3": ["01:05", "10:05", "15:05", "21:05"],
        "grade_stats_today": every_ten,
    }


def test_every_schedule_runs_by_default_in_shanghai_time(repository):
    for name in NAMES:
        schedule = repository.get_schedule_def(name)
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        assert schedule.execution_timezone == "Asia/Shanghai"


@pytest.mark.parametrize("track", ["task", "grade"])
@pytest.mark.parametrize(
    ("kind", "when", "first", "last", "sync_type"),
    [
        ("t10", at(7), "2026-11-10", "2026-11-19", "long_historical"),
        ("t3", at(1), "2026-11-17", "2026-11-19", "historical"),
        ("t3", at(21), "2026-11-17", "2026-11-19", "historical"),
    ],
)
def test_a_tick_asks_for_its_window_in_one_run(repository, instance, track, kind, when, first, last, sync_type):
    data = tick(repository, instance, f"{track}_stats_{kind}", when)
    (request,) = data.run_requests
    assert [request.tags[name] for name in RANGE] == [first, last]
    assert request.tags["calling/sync_type"] == sync_type


@pytest.mark.parametrize("name", ["task_stats_today", "grade_stats_today"])
@pytest.mark.parametrize("when", [at(9), at(23)])
def test_todays_tick_asks_for_todays_partition(repository, instance, name, when):
    (request,) = tick(repository, instance, name, when).run_requests
    assert request.tags["dagster/partition"] == request.partition_key == "2026-11-20"
    assert request.tags["calling/sync_type"] == "today"


def test_the_window_is_cut_to_the_partitions_there_are(repository, instance):
    (request,) = tick(repository, instance, "task_stats_t10", at(7, day=START + dt.timedelta(days=3))).run_requests
    assert [request.tags[name] for name in RANGE] == [START.isoformat(), (START + dt.timedelta(days=2)).isoformat()]
    skipped = tick(repository, instance, "task_stats_t10", at(7, day=START))
    assert "before the first partition" in skipped.skip_message


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_tick_skips_while_its_own_last_run_is_not_done_and_says_which(repository, instance, status):
    tags = {"calling/sync_type": "today"}
    run = dg.DagsterRun(job_name="grade_stats_sync", run_id=str(uuid.uuid4()), status=status, tags=tags)
    instance.run_storage.add_run(run)
    skipped = tick(repository, instance, "grade_stats_today", at(9, 10))
    assert not skipped.run_requests
    assert f"run {run.run_id[:8]} is {status.value} since" in skipped.skip_message
    assert tick(repository, instance, "task_stats_today", at(9)).run_requests


def test_a_long_run_by_hand_stops_no_tick(repository, instance):
    """A manual run of ten days once made every tick of its track skip until it was done."""
    by_hand = dg.DagsterRun(job_name="grade_stats_sync", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED)
    instance.run_storage.add_run(by_hand)
    (request,) = tick(repository, instance, "grade_stats_today", at(9, 10)).run_requests
    job = repository.get_job("grade_stats_sync")
    assert request.tags["calling/lock"] != job.tags["calling/lock"], "nor does it wait in the queue"


def test_windows_of_one_track_that_fall_due_together_both_run(repository, instance):
    """At 10:00 T-3 and today are due at once: the queue runs them one after the other, neither is lost."""
    instance.run_storage.add_run(
        dg.DagsterRun(
            job_name="task_stats_sync",
            run_id=str(uuid.uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags={"calling/sync_type": "historical"},
        )
    )
    assert tick(repository, instance, "task_stats_today", at(10)).run_requests
    assert tick(repository, instance, "task_stats_t3", at(10)).skip_message


def test_a_requested_range_really_fills_the_window(repository, instance, stats_runtime):
    from calling_pipeline.call_stats import store

    (request,) = tick(repository, instance, "grade_stats_t3", at(10, 5, days.today())).run_requests
    job = repository.get_job(request.job_name or "grade_stats_sync")
    assert job.execute_in_process(tags=request.tags).success
    with stats_runtime.transaction() as connection:
        cached = [store.read_grade_day(connection, yesterday() - dt.timedelta(days=n)) for n in range(4)]
    assert [day.sync_type if day else None for day in cached] == ["historical"] * 3 + [None]


def warm_up(repository, instance, stats_runtime):
    with dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"runtime": stats_runtime}
    ) as context:
        return repository.get_sensor_def("cache_warm_up").evaluate_tick(context)


def test_the_warm_up_asks_for_all_missing_days_of_both_tracks_at_once(repository, instance, stats_runtime):
    requests = warm_up(repository, instance, stats_runtime).run_requests
    assert {request.job_name for request in requests} == {"task_stats_sync", "grade_stats_sync"}
    first = (days.today() - dt.timedelta(days=10)).isoformat()
    assert {tuple(request.tags[name] for name in RANGE) for request in requests} == {(first, days.today().isoformat())}


def test_the_warm_up_is_quiet_when_nothing_is_missing_and_asks_for_a_hole_alone(repository, instance, stats_runtime, engine):
    wanted = days.day_range(days.today() - dt.timedelta(days=10), days.today())
    for track in ("task", "grade"):
        sync_days(engine, guanke_client(stats_runtime), track, wanted, sync_type="manual", phone_key=b"k")
    for day in wanted:  # the history is written with the caches, and its asset is reported by another sensor
        instance.report_runless_asset_event(dg.AssetMaterialization("daily_history", partition=day.isoformat()))
    assert "no day is missing" in warm_up(repository, instance, stats_runtime).skip_message
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM grade_stats_cache WHERE date = '{yesterday()}'")
    (request,) = warm_up(repository, instance, stats_runtime).run_requests
    assert (request.job_name, request.tags[RANGE[0]], request.tags[RANGE[1]]) == (
        "grade_stats_sync",
        yesterday().isoformat(),
        yesterday().isoformat(),
    )


def test_the_warm_up_waits_for_a_run_of_the_track_that_is_not_done(repository, instance, stats_runtime):
    instance.run_storage.add_run(
        dg.DagsterRun(job_name="grade_stats_sync", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED)
    )
    requests = warm_up(repository, instance, stats_runtime).run_requests
    assert [request.job_name for request in requests] == ["task_stats_sync"]
