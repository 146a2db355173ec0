"""What the stats tracks give to the sensors.

`CACHES` are the days that `cache_warm_up` fills. `stale_cache_alerts` raises an alert when a cache falls behind the
timetable, also when no run, and so no check, takes place.
"""

import datetime as dt
from collections.abc import Callable

import dagster as dg

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.alerts.store import open_conditions
from calling_pipeline.call_stats import quality
from calling_pipeline.call_stats.facts.store import cached_days
from calling_pipeline.call_stats.records import TRACKS, Track
from calling_pipeline.call_stats.store import read_day
from calling_pipeline.call_stats.timetable import ACCEPTED_DELAY, last_sync_due
from calling_pipeline.defs.catch_up import Filling, ReadAt
from calling_pipeline.defs.naming import named
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings


def _cached(track: Track) -> Callable[[Runtime, dg.DagsterInstance, dt.date, dt.date], ReadAt]:
    def stored(runtime: Runtime, instance: dg.DagsterInstance, first: dt.date, last: dt.date) -> ReadAt:
        with runtime.transaction() as connection:
            return cached_days(connection, track, first, last)

    return stored


def _while_kept(settings: Settings) -> int:
    """Older days would be deleted again by the next housekeeping."""
    return min(settings.catch_up_days, settings.cache_retention_days - 1)


CACHES = tuple(
    Filling(
        f"{track} stats", named(f"{track}_stats_sync"), _cached(track), always=10, includes_today=True, within=_while_kept
    )
    for track in TRACKS
)


@dg.sensor(
    name=named("stale_cache_alerts"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=120,
    description="Records an alert when yesterday's or today's numbers are behind the timetable, and when they caught up."
    " A new installation has a quarter of an hour for its first read.",
)
def stale_cache_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Judges both tracks for yesterday and today. Its cursor is the time of its first look."""
    now, today = days.now(), days.today()
    context.update_cursor(context.cursor or now.isoformat())
    is_new = now - dt.datetime.fromisoformat(context.cursor or now.isoformat()) < ACCEPTED_DELAY
    watched = [day for day in (today - dt.timedelta(days=1), today) if day >= runtime.settings.partition_start]
    pairs = [(track, day) for track in TRACKS for day in watched]
    pairs += [pair for pair in _open_pairs(runtime) if pair not in pairs]
    states = [f"{track} {day}: {_observe(runtime, track, day, is_new=is_new)}" for track, day in pairs]
    return dg.SkipReason("; ".join(states))


def _open_pairs(runtime: Runtime) -> list[tuple[Track, dt.date]]:
    """Tracks and days whose alert is open, however long ago: it must not stay so when they are read at last."""
    with runtime.transaction() as connection:
        known = open_conditions(connection, "stale")
    return [(track, one.day) for one in known for track in TRACKS if one.subject == track and one.day is not None]


def _observe(runtime: Runtime, track: Track, day: dt.date, *, is_new: bool) -> str:
    """What is found, in words. A day that was never read in an installation that `is_new` is not judged yet."""
    now = days.now()
    with runtime.transaction() as connection:
        kept = read_day(connection, track, day)
        read_at = kept.proof.started_at if kept and kept.proof else None
        if read_at is None and is_new:
            return "not read yet"
        finding = quality.is_fresh(read_at, last_sync_due(track, day, now))
        condition = Condition(
            name=f"stale:{track}:{day}",
            failing=not finding.passed,
            severity="error",
            title=f"the {track} cache of {day} keeps to the timetable",
            text=f"{finding.sentence}; look at the schedules {track}_stats_* and at the vendor",
            room="call_stats",
            event=int(now.timestamp() * 1000),
            subject=track,
            day=day,
        )
        conditions.observe(connection, condition)
    return finding.sentence
