"""The sensors of the stats tracks.

`cache_warm_up` fills the days the caches lack after a start, one run per track at a time. `stale_cache_alerts` raises an
alert when a cache falls behind the timetable, also when no run, and so no check, takes place.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.alerts.store import open_conditions
from calling_pipeline.call_stats import quality
from calling_pipeline.call_stats.facts.store import missing_days
from calling_pipeline.call_stats.records import TRACKS, SyncType, Track
from calling_pipeline.call_stats.store import read_day
from calling_pipeline.call_stats.timetable import last_sync_due
from calling_pipeline.defs.windows import busy_run, range_tags
from calling_pipeline.runtime import Runtime


def cache_warm_up(jobs: Mapping[str, Any], daily: dg.DailyPartitionsDefinition) -> dg.SensorDefinition:
    """The sensor; `jobs` by track."""

    @dg.sensor(
        name="cache_warm_up",
        jobs=list(jobs.values()),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Syncs the days of T-10 … today that a cache lacks: one range per track, at most once per hour.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> Any:
        now, first = days.now(), daily.start.date()
        wanted = [day for day in days.day_range(now.date() - dt.timedelta(days=10), now.date()) if day >= first]
        requests, reasons = [], []
        for track in TRACKS:
            with runtime.transaction() as connection:
                missing = missing_days(connection, track, wanted)
            busy = busy_run(context.instance, jobs[track].name)
            if missing and busy is None:
                requests.append(warm_up_request(track, jobs[track].name, missing, now))
            else:
                reasons.append(f"{track}: {f'{len(missing)} days missing, but {busy}' if missing else 'no day is missing'}")
        return requests or dg.SkipReason("; ".join(reasons))

    return sensor


def warm_up_request(track: Track, job_name: str, missing: Sequence[dt.date], now: dt.datetime) -> dg.RunRequest:
    """One run over the first unbroken stretch of `missing` days.

    Its key lets the same stretch run only once per hour, so that a vendor that is down is not asked without end.
    """
    stretch = [missing[0]]
    for day in missing[1:]:
        if day - stretch[-1] != dt.timedelta(days=1):
            break
        stretch.append(day)
    kind: SyncType = "today" if stretch == [now.date()] else "long_historical"
    return dg.RunRequest(
        run_key=f"warm-up:{track}:{stretch[0]}..{stretch[-1]}:{now:%Y-%m-%dT%H}",
        job_name=job_name,
        tags={**range_tags(stretch[0], stretch[-1], kind), "calling/warm_up": "true"},
    )


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Records an alert when yesterday's or today's numbers are behind the timetable, and when they caught up.",
)
def stale_cache_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Judges both tracks for yesterday and today."""
    today = days.today()
    watched = [day for day in (today - dt.timedelta(days=1), today) if day >= runtime.settings.partition_start]
    pairs = [(track, day) for track in TRACKS for day in watched]
    pairs += [pair for pair in _open_pairs(runtime) if pair not in pairs]
    states = [f"{track} {day}: {_observe(runtime, track, day)}" for track, day in pairs]
    return dg.SkipReason("; ".join(states))


def _open_pairs(runtime: Runtime) -> list[tuple[Track, dt.date]]:
    """Tracks and days whose alert is open, however long ago: it must not stay so when they are read at last."""
    with runtime.transaction() as connection:
        known = open_conditions(connection, "stale")
    return [(track, one.day) for one in known for track in TRACKS if one.subject == track and one.day is not None]


def _observe(runtime: Runtime, track: Track, day: dt.date) -> str:
    now = days.now()
    with runtime.transaction() as connection:
        kept = read_day(connection, track, day)
        read_at = kept.proof.started_at if kept and kept.proof else None
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
