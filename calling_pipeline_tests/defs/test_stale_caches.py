"""A cache that falls behind is alerted although nothing runs."""

import datetime as dt

import dagster as dg

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.defs.call_stats.sensors import stale_cache_alerts
from calling_pipeline.runtime import Runtime


def test_a_cache_behind_the_timetable_is_alerted_and_so_is_its_recovery(instance, app_settings, simulator):
    runtime = Runtime(app_settings.model_copy(update={"guanke_base_url": f"{simulator.url}/guanke"}))
    noon = dt.datetime.combine(days.today(), dt.time(12, 45), days.SHANGHAI)

    def look():
        with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
            stale_cache_alerts.evaluate_tick(context)

    def titles():
        with runtime.transaction() as connection:
            kept = store.stored_alerts(connection, since=noon - dt.timedelta(days=2))
        return sorted(one.title for one in kept)

    wanted = [days.today() - dt.timedelta(days=1), days.today()]
    with days.frozen(noon):
        look()
        look()
        assert len(titles()) == 4
        assert all(title.startswith("Failing: ") for title in titles())
    with days.frozen(noon + dt.timedelta(minutes=1)):
        for track in ("grade", "task"):
            sync_days(runtime.engine, guanke_client(runtime), track, wanted, sync_type="manual", phone_key=runtime.phone_key)
        look()
        assert sum(title.startswith("Recovered: ") for title in titles()) == 4
    runtime.close()
