"""After any downtime the daily assets fill their holes by themselves: newest first, in bounded runs, without hammering."""

import datetime as dt

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.facts.store import cached_days
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.definitions import build
from calling_pipeline.defs import catch_up, retries
from calling_pipeline.defs.catch_up import DAYS_PER_RUN, Filling, holes, newest_stretch
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import some

TODAY = dt.date(2026, 11, 20)
NOON = dt.datetime.combine(TODAY, dt.time(12), days.SHANGHAI)
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
CACHE = Filling("a cache", "a_job", lambda *_: {}, always=10, includes_today=True)
COUNT = Filling("a count", "a_job", lambda *_: {})


def ago(number):
    return TODAY - dt.timedelta(days=number)


def read_whole(*numbers):
    return {ago(number): days.day_bounds(ago(number))[1] for number in numbers}


def found(filling, stored, now=NOON, within=30):
    return [(TODAY - day).days for day in holes(filling, stored, ago(within), now)]


def test_a_first_start_wants_the_last_ten_days_of_a_cache_and_nothing_of_the_rest():
    assert found(CACHE, {}) == list(range(10, -1, -1))
    assert found(COUNT, {}) == []


@pytest.mark.parametrize("away", [3, 20])
def test_every_day_of_a_downtime_is_a_hole(away):
    stored = read_whole(*range(away + 1, 29))
    assert found(COUNT, stored) == list(range(away, 0, -1))
    assert found(CACHE, stored) == list(range(away, -1, -1))


def test_a_day_that_was_read_before_it_was_over_is_a_hole_too():
    """The machine stopped at nine in the evening and came back twenty days later: that day had lost its last three hours."""
    stopped = {ago(20): dt.datetime.combine(ago(20), dt.time(21), days.SHANGHAI)}
    assert found(COUNT, {**read_whole(21, 22), **stopped})[0] == 20


def test_the_day_before_is_left_to_the_timetable_until_its_last_sync_was_due():
    stored = {**read_whole(*range(2, 11)), ago(1): NOON - dt.timedelta(days=1), ago(0): NOON}
    midnight = days.day_bounds(TODAY)[0]
    assert found(CACHE, stored, midnight + dt.timedelta(minutes=5)) == []
    assert found(CACHE, stored, midnight + dt.timedelta(hours=3)) == [1]


def test_what_the_vendor_does_not_keep_any_more_is_not_asked_for():
    assert found(COUNT, read_whole(15), within=15) == list(range(14, 0, -1))


def test_a_run_takes_the_newest_unbroken_stretch_of_bounded_length():
    assert newest_stretch([ago(6), ago(5), ago(2)]) == [ago(2)]
    assert newest_stretch([ago(6), ago(5)]) == [ago(6), ago(5)]
    assert newest_stretch([ago(n) for n in range(30, 0, -1)]) == [ago(n) for n in range(DAYS_PER_RUN, 0, -1)]


@pytest.fixture
def own_runtime(app_settings, simulator, monkeypatch):
    monkeypatch.setattr(retries, "VENDOR", dg.RetryPolicy(max_retries=0))
    made = Runtime(app_settings.model_copy(update={"guanke_base_url": f"{simulator.url}/guanke"}))
    yield made
    made.close()


class Daemon:
    """Evaluates the sensor as the daemon does, with its cursor, and runs what it asks for."""

    def __init__(self, instance, runtime):
        self.instance, self.runtime, self.cursor = instance, runtime, None
        self.repository = build(runtime).get_repository_def()

    def tick(self):
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.repository, resources={"runtime": self.runtime}
        ) as context:
            data = self.repository.get_sensor_def("cache_warm_up").evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def run(self, request):
        job = self.repository.get_job(request.job_name)
        return job.execute_in_process(instance=self.instance, tags=request.tags, raise_on_error=False).success

    def catch_up(self):
        """Ticks and runs until nothing is missing; the days of every run, by job."""
        asked = []
        for _ in range(20):
            requests = self.tick().run_requests
            if not requests:
                return asked
            names = [request.job_name for request in requests]
            assert len(names) == len(set(names)), "one run for each job at a time"
            for request in requests:
                first, last = (days.parse_day(request.tags[name]) for name in RANGE)
                asked.append((request.job_name, days.day_range(first, last)))
                assert self.run(request)
        pytest.fail(f"it never comes to an end: {asked}")


def sync(runtime, track, wanted):
    sync_days(runtime.engine, guanke_client(runtime), track, wanted, sync_type="manual", phone_key=runtime.phone_key)


@pytest.mark.parametrize("away", some(dt.timedelta(days=20), dt.timedelta(days=3), dt.timedelta(hours=3)))
def test_after_a_downtime_everything_is_filled_by_itself(instance, own_runtime, monkeypatch, away):
    monkeypatch.setattr(catch_up, "REST_EVERY", dt.timedelta(0))
    now, daemon = days.now(), Daemon(instance, own_runtime)
    stopped = now - away
    with days.frozen(stopped):
        before = days.day_range(days.today() - dt.timedelta(days=2), days.today())
        for track in TRACKS:
            sync(own_runtime, track, before)
        for name in ("task_usage_count", "communication_records_reconcile"):
            job, tags = daemon.repository.get_job(name), dict(zip(RANGE, map(str, (before[0], before[-1])), strict=True))
            assert job.execute_in_process(instance=instance, tags=tags).success
    with days.frozen(now):
        asked = daemon.catch_up()
        today = days.today()
        assert "no day is missing" in daemon.tick().skip_message
    assert all(len(wanted) <= DAYS_PER_RUN for _, wanted in asked)
    everything = set(days.day_range(before[0], today))
    with own_runtime.transaction() as connection:
        for track in TRACKS:
            assert everything <= cached_days(connection, track, before[0], today).keys()
    for name in ("task_usage", "communication_records"):
        filled = instance.get_materialized_partitions(dg.AssetKey(name))
        assert {day.isoformat() for day in everything - {today}} <= filled, name


def test_a_vendor_that_is_down_is_asked_again_after_an_hour_and_not_before(instance, own_runtime, simulator):
    simulator.plant("status", path="/guanke", times=None, status=503)
    now, daemon = days.now().replace(hour=12), Daemon(instance, own_runtime)  # an hour later is the same day
    with days.frozen(now):
        requests = daemon.tick().run_requests
        assert len(requests) == len(TRACKS)
        assert not any(daemon.run(request) for request in requests)
        skipped = daemon.tick()
    assert not skipped.run_requests
    assert "11 days missing, all tried; again at" in skipped.skip_message
    simulator.clear_faults()
    with days.frozen(now + dt.timedelta(minutes=59)):
        assert not daemon.tick().run_requests
    with days.frozen(now + dt.timedelta(minutes=61)):
        again = daemon.tick().run_requests
    assert [request.job_name for request in again] == [request.job_name for request in requests]
    assert not {request.run_key for request in again} & {request.run_key for request in requests}
