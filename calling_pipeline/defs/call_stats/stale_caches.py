"""`stale_cache_alerts`: a cache that falls behind the timetable is told even when no run, and so no check, takes place."""

import datetime as dt

import dagster as dg

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.call_stats import quality
from calling_pipeline.call_stats.records import TRACKS, Track
from calling_pipeline.call_stats.sync.refresh import read_day
from calling_pipeline.call_stats.timetable import last_sync_due
from calling_pipeline.runtime import Runtime


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Records an alert when yesterday's or today's numbers are behind the timetable, and when they caught up.",
)
def stale_cache_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Judges both tracks for yesterday and today."""
    today = days.today()
    watched = [day for day in (today - dt.timedelta(days=1), today) if day >= runtime.settings.partition_start]
    states = [f"{track} {day}: {_observe(runtime, track, day)}" for track in TRACKS for day in watched]
    return dg.SkipReason("; ".join(states))


def _observe(runtime: Runtime, track: Track, day: dt.date) -> str:
    now = days.now()
    with runtime.transaction() as connection:
        kept = read_day(connection, track, day)
        read_at = kept.proof.started_at if kept and kept.proof else None
        verdict = quality.is_fresh(read_at, last_sync_due(track, day, now))
        condition = Condition(
            name=f"stale:{track}:{day}",
            failing=not verdict.passed,
            severity="error",
            title=f"the {track} cache of {day} keeps to the timetable",
            text=f"{verdict.sentence}; look at the schedules {track}_stats_* and at the vendor",
            room="call_stats",
            event=int(now.timestamp() * 1000),
        )
        conditions.observe(connection, condition)
    return verdict.sentence


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The sensor."""
    return dg.Definitions(sensors=[stale_cache_alerts])
