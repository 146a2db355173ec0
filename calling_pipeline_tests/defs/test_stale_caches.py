"""A cache that falls behind is alerted although nothing runs."""

import datetime as dt

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.defs.call_stats.sensors import stale_cache_alerts
from calling_pipeline.runtime import Runtime

NOON = dt.datetime.combine(days.today(), dt.time(12, 45), days.SHANGHAI)
WATCHED = [days.today() - dt.timedelta(days=1), days.today()]


class Sensor:
    """The sensor with its cursor, as the daemon keeps it, and what it had alerted."""

    def __init__(self, instance, runtime, cursor=None):
        self.instance, self.runtime, self.cursor = instance, runtime, cursor

    def look(self, after):
        """Look some time after noon; the titles of all alerts so far."""
        with (
            days.frozen(NOON + after),
            dg.build_sensor_context(
                instance=self.instance, cursor=self.cursor, resources={"runtime": self.runtime}
            ) as context,
        ):
            self.cursor = stale_cache_alerts.evaluate_tick(context).cursor
        with self.runtime.transaction() as connection:
            kept = store.stored_alerts(connection, since=NOON - dt.timedelta(days=2))
        return sorted(one.title for one in kept)

    def read(self, after):
        """Both tracks read yesterday and today."""
        with days.frozen(NOON + after):
            for track in TRACKS:
                client, key = guanke_client(self.runtime), self.runtime.phone_key
                sync_days(self.runtime.engine, client, track, WATCHED, sync_type="manual", phone_key=key)


@pytest.fixture
def own_runtime(app_settings, simulator):
    made = Runtime(app_settings.model_copy(update={"guanke_base_url": f"{simulator.url}/guanke"}))
    yield made
    made.close()


def minutes(number):
    return dt.timedelta(minutes=number)


def test_a_cache_behind_the_timetable_is_alerted_and_so_is_its_recovery(instance, own_runtime):
    sensor = Sensor(instance, own_runtime, cursor=(NOON - dt.timedelta(days=3)).isoformat())
    sensor.look(minutes(0))
    titles = sensor.look(minutes(0))
    assert len(titles) == 4
    assert all(title.startswith("Failing: ") for title in titles)
    sensor.read(minutes(1))
    assert sum(title.startswith("Recovered: ") for title in sensor.look(minutes(1))) == 4


def test_a_first_start_alerts_nothing_while_its_first_sync_is_under_way(instance, own_runtime):
    """A newcomer's first picture was four alerts, about numbers that came a minute later."""
    sensor = Sensor(instance, own_runtime)
    assert sensor.look(minutes(0)) == []
    assert sensor.look(minutes(14)) == []
    sensor.read(minutes(14))
    assert sensor.look(minutes(16)) == []


def test_a_first_sync_that_never_comes_is_alerted(instance, own_runtime):
    sensor = Sensor(instance, own_runtime)
    assert sensor.look(minutes(0)) == []
    assert len(sensor.look(minutes(15))) == 4


def test_a_first_start_alerts_what_was_read_and_has_fallen_behind(instance, own_runtime):
    sensor = Sensor(instance, own_runtime)
    sensor.read(dt.timedelta(hours=-5))
    assert len(sensor.look(minutes(0))) == 4
