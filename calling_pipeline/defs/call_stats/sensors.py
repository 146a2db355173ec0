"""`cache_warm_up`: after a start, fills the days the caches lack, one run a track at a time."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_stats.records import TRACKS, Track
from calling_pipeline.days import SyncType
from calling_pipeline.defs.windows import busy_run, range_tags
from calling_pipeline.runtime import Runtime


def cache_warm_up(jobs: Mapping[str, Any], daily: dg.DailyPartitionsDefinition) -> dg.SensorDefinition:
    """The sensor; `jobs` by track."""

    @dg.sensor(
        name="cache_warm_up",
        jobs=list(jobs.values()),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Syncs the days of T-10 … today a cache lacks: one range a track at a time, each once an hour at most.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> Any:
        from calling_pipeline.call_stats.facts.store import missing_days

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
    """One run over the first unbroken stretch of `missing` days. Its key lets the same stretch run once an hour only, so a
    vendor that is down is not asked for ever."""
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
