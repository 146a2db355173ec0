"""The schedules of the stats tracks, at exactly the timetable's minutes: one run per tick over the window's partitions.

A tick is skipped while the run of its own last tick is not done; a run started by hand, however long, stops no tick. Runs of
one track over past days wait for one another (the job's `calling/lock` tag); today's runs have a lock of their own and the
highest priority, so they wait for nothing but a place in the pool `guanke`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_stats.timetable import TIMETABLE, Entry, sync_window
from calling_pipeline.defs.naming import named, tag_value
from calling_pipeline.defs.queueing import FIRST, LOCK, SOON, busy
from calling_pipeline.defs.windows import PARTITION, SYNC_TYPE, range_tags

_TITLES = {"long_historical": "T-10 … yesterday", "historical": "T-3 … yesterday", "today": "today"}


def stats_schedules(jobs: Mapping[str, Any], daily: dg.DailyPartitionsDefinition) -> Sequence[dg.ScheduleDefinition]:
    """The six schedules; `jobs` by track."""
    return [_schedule(entry, jobs[entry.track], daily) for entry in TIMETABLE]


def _schedule(entry: Entry, job: Any, daily: dg.DailyPartitionsDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=named(entry.name),
        job=job,
        cron_schedule=entry.cron,
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{_TITLES[entry.sync_type]}, {entry.track} dimension. Skips while its last run is not done.",
        metadata={"sync_type": entry.sync_type},
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        under_way = busy(context.instance, job.name, {SYNC_TYPE: entry.sync_type})
        if under_way is not None:
            return dg.SkipReason(f"the last sync of {_TITLES[entry.sync_type]} is not done: {under_way}")
        return run_request(entry, context.scheduled_execution_time, daily.start.date())

    return tick


def run_request(entry: Entry, tick: dt.datetime, first_partition: dt.date) -> dg.RunRequest | dg.SkipReason:
    """What the schedule asks for at `tick`: its window, cut to the partitions there are."""
    first, last = sync_window(entry.sync_type, days.day_of(tick))
    first = max(first, first_partition)
    if last < first:
        return dg.SkipReason(f"the window ends on {last}, before the first partition {first_partition}")
    key = f"{entry.name}:{tick.isoformat()}"
    if entry.sync_type == "today":
        tags = {SYNC_TYPE: entry.sync_type, LOCK: tag_value(f"{entry.track} stats today"), **FIRST}
        return dg.RunRequest(run_key=key, partition_key=last.isoformat(), tags=tags)
    if first == last:
        return dg.RunRequest(run_key=key, tags={PARTITION: last.isoformat(), SYNC_TYPE: entry.sync_type, **SOON})
    return dg.RunRequest(run_key=key, tags={**range_tags(first, last, entry.sync_type), **SOON})
