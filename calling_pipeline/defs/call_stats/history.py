"""Dagster's view of the history of daily numbers: the asset `daily_history`, its job and its schedule.

The rows are written where a cache is published, whatever published it. The asset shows them, and adds the days that a
version before it cached.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_stats.history import store
from calling_pipeline.call_stats.records import TRACKS, HistoryDay
from calling_pipeline.call_stats.tables import daily_history as table
from calling_pipeline.call_stats.timetable import sync_window
from calling_pipeline.defs.call_stats.metadata import about_history
from calling_pipeline.defs.windows import PARTITION, parse_keys, range_tags
from calling_pipeline.runtime import Runtime


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The asset with its job and its schedule."""
    asset = _daily_history(daily)
    job = dg.define_asset_job(
        "daily_history_update",
        selection=dg.AssetSelection.assets(asset),
        description="Show the kept numbers of days, and add days that only the caches hold. Reads nothing from a vendor.",
    )
    return dg.Definitions(assets=[asset], jobs=[job], schedules=[_schedule(job, daily.start.date())])


def _daily_history(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        partitions_def=daily,
        group_name="call_stats",
        kinds={"postgres"},
        deps=["task_stats_cache", "grade_stats_cache"],
        output_required=False,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="The numbers of every day, kept permanently: the caches are deleted after weeks, these rows never.\n\n"
        "A day enters with the transaction that publishes it. A day that neither track ever read stays missing.",
        metadata={"dagster/table_name": table.name},
    )
    def daily_history(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.AssetMaterialization]:
        wanted = parse_keys(context.partition_keys)
        found = _kept(runtime, wanted)
        for day, (row, before) in found.items():
            yield dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata=about_history(row, before))
        missing = [day for day in wanted if day not in found]
        if not found:
            named = ", ".join(map(str, missing[:5]))
            raise dg.Failure(
                f"no numbers of {named} were ever published; run task_stats_sync and grade_stats_sync for these days",
                allow_retries=False,
            )
        context.log.info(f"{len(found)} days are kept, {len(missing)} were never read")

    return daily_history


def _kept(runtime: Runtime, wanted: list[dt.date]) -> dict[dt.date, tuple[HistoryDay, HistoryDay | None]]:
    """The kept rows of the wanted days with those of a week before, after adding what the caches hold."""
    found: dict[dt.date, tuple[HistoryDay, HistoryDay | None]] = {}
    for day in wanted:
        with runtime.transaction() as connection:
            for track in TRACKS:
                store.keep_day(connection, track, day)
            before = store.read_weekdays(connection, day, weeks=1)
            for row in store.read_history(connection, day, day):
                found[day] = (row, before[0] if before else None)
    return found


def _schedule(job: Any, first_partition: dt.date) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="daily_history_daily",
        job=job,
        cron_schedule="45 7 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every morning at 07:45, after the T-10 syncs: T-10 … yesterday in one run.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        first, last = sync_window("long_historical", days.day_of(context.scheduled_execution_time))
        tags = window_tags(max(first, first_partition), last)
        return dg.RunRequest(tags=tags) if tags else dg.SkipReason(f"{last} is before the first partition {first_partition}")

    return tick


def window_tags(first: dt.date, last: dt.date) -> Mapping[str, str]:
    """The tags of one run over `first` … `last`; none when the window is empty."""
    if last < first:
        return {}
    return {PARTITION: last.isoformat()} if first == last else range_tags(first, last, "long_historical")
