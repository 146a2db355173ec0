"""Dagster's view of the history of daily numbers: the asset `daily_history`, its job and its schedule.

The rows are written where a cache is published, whatever published it. The asset shows them, and adds the days that a
version before it cached; it counts those whose call records are stored and that were never counted.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_stats.daily_counts.catch_up import count_stored_day
from calling_pipeline.call_stats.daily_counts.store import counted_of
from calling_pipeline.call_stats.history import quality, store
from calling_pipeline.call_stats.history.facts import history_facts
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.tables import daily_history as table
from calling_pipeline.call_stats.timetable import sync_window
from calling_pipeline.call_stats.trend.trend import read_trend
from calling_pipeline.defs.call_stats.metadata import about_history, about_trend
from calling_pipeline.defs.catch_up import ReadAt, materialized
from calling_pipeline.defs.checks import Check, judge, log_verdicts
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key, named
from calling_pipeline.defs.windows import PARTITION, days_of_run, range_tags
from calling_pipeline.runtime import Runtime

CHECKS: tuple[Check[quality.HistoryFacts], ...] = (
    Check(
        "kept_numbers_equal_the_caches",
        quality.agrees_with_the_caches,
        "Every number that a cache holds of the day is kept as it is.",
    ),
    Check(
        "daily_counts_add_up",
        quality.counts_add_up,
        "Calls and orders by agent, hour, province and dialling task are each the day's.",
        warns=True,
    ),
    Check("both_tracks_are_kept", quality.both_tracks_are_kept, "No track whose sync was due is missing.", warns=True),
)


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The asset with its job and its schedule."""
    asset = _daily_history(daily)
    job = asset_job(
        "daily_history_update",
        table.name,
        description="Show the kept numbers of days, and add days that only the caches hold. Reads nothing from a vendor.",
    )
    return dg.Definitions(assets=[asset], jobs=[job], schedules=[_schedule(job, daily.start.date())])


def _daily_history(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        asset_key(table.name),
        group_name="call_stats",
        kinds={"postgres"},
        deps=[asset_key("task_stats_cache"), asset_key("grade_stats_cache")],
        description="The numbers of every day, kept permanently: the caches are deleted after weeks, these rows never.\n\n"
        "A day enters with the transaction that publishes it. A day that neither track ever read stays missing.",
        metadata={"dagster/table_name": table.name},
    )

    @dg.multi_asset(
        name=f"{table.name}_rows",
        specs=[spec],
        check_specs=[check.spec(table.name, daily) for check in CHECKS],
        partitions_def=daily,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def daily_history(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> Iterator[Any]:
        op = context.op_execution_context
        names = {key.name for key in op.selected_asset_check_keys}
        chosen = [check for check in CHECKS if check.name in names]
        wanted = days_of_run(context.run.tags)  # the newest last: the UI's page leads with what was shown last
        missing = [day for day in wanted if not _show(context, runtime, day, chosen)]
        if context.selected_asset_keys and missing == wanted:
            named = ", ".join(map(str, missing[:5]))
            raise dg.Failure(
                f"no numbers of {named} were ever published; run task_stats_sync and grade_stats_sync for these days",
                allow_retries=False,
            )
        context.log.info(f"{len(wanted) - len(missing)} days are kept, {len(missing)} were never read")
        yield from ()

    return daily_history


def _show(
    context: dg.AssetExecutionContext, runtime: Runtime, day: dt.date, checks: Sequence[Check[quality.HistoryFacts]]
) -> bool:
    """Add what the caches hold of the day, show what is kept of it and judge it; returns whether there are numbers."""
    with runtime.transaction() as connection:
        for track in TRACKS if context.selected_asset_keys else ():
            store.keep_day(connection, track, day)
        if context.selected_asset_keys and counted_of(connection, day) is None:
            count_stored_day(connection, day)
        before = store.read_weekdays(connection, day, weeks=1)
        row = next(iter(store.read_history(connection, day, day)), None)
        trend = read_trend(connection, day, day)[0]
    if row is not None and context.selected_asset_keys:
        known = about_history(row, before[0] if before else None)
        metadata = {**known, **about_trend(trend), **in_console(runtime, table.name, day)}
        context.log_event(dg.AssetMaterialization(asset_key(table.name), partition=day.isoformat(), metadata=metadata))

    def facts() -> quality.HistoryFacts:
        with runtime.transaction() as connection:
            return history_facts(connection, day)

    log_verdicts(context.op_execution_context, runtime, judge(table.name, checks, facts, day))
    return row is not None


def shown(runtime: Runtime, instance: dg.DagsterInstance, first: dt.date, last: dt.date) -> ReadAt:
    """When Dagster was shown what is kept of each day, for the catch-up; a kept day that it never was counts as not whole.

    A day that is not kept is a hole of its cache, not of this.
    """
    with runtime.transaction() as connection:
        kept = {row.date for row in store.read_history(connection, first, last)}
    never = {day: days.day_bounds(day)[0] if day in kept else None for day in days.day_range(first, last)}
    return {**never, **materialized(table.name)(runtime, instance, first, last)}


def _schedule(job: Any, first_partition: dt.date) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=named("daily_history_t10"),
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
