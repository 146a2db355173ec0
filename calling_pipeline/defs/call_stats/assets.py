"""Dagster's view of the stats caches: the assets of the two tracks and a job for each."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa

from calling_pipeline.call_stats import tables
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.records import DayResult, Track
from calling_pipeline.call_stats.sync.publishing import publish_agents, publish_day, publish_grade_numbers, publish_hours
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.defs.call_stats import checks as call_stats_checks
from calling_pipeline.defs.call_stats import schedules, sensors
from calling_pipeline.defs.call_stats.metadata import (
    COLUMNS,
    about_agents,
    about_grades,
    about_hours,
    about_records,
    about_tasks,
)
from calling_pipeline.defs.metadata import OWNERS, column_schema
from calling_pipeline.defs.windows import SYNC_TYPE, parse_keys
from calling_pipeline.errors import CallingError, TransientError
from calling_pipeline.runtime import Runtime

_NOTHING = dg.MaterializeResult[None]


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Assets, checks, jobs, schedules and sensors of the room."""
    assets = [_call_records(daily), _grade_stats_cache(daily), _agent_ranking(daily), _hourly_orders(daily)]
    tasks = _task_stats_cache(daily)
    jobs = {
        "grade": dg.define_asset_job(
            "grade_stats_sync",
            selection=dg.AssetSelection.assets(*assets),
            description="Grade track: pull call records, prove them complete, publish the grade numbers.",
            tags={"calling/lock": "grade stats"},
        ),
        "task": dg.define_asset_job(
            "task_stats_sync",
            selection=dg.AssetSelection.assets(tasks),
            description="Task track: pull the dialling tasks' statistics and publish their sums.",
            tags={"calling/lock": "task stats"},
        ),
    }
    return dg.Definitions(
        assets=[*assets, tasks],
        asset_checks=call_stats_checks.checks(),
        jobs=list(jobs.values()),
        schedules=schedules.stats_schedules(jobs, daily),
        sensors=[sensors.cache_warm_up(jobs, daily), sensors.stale_cache_alerts],
    )


def _asset(
    daily: dg.DailyPartitionsDefinition, table: sa.Table, description: str, *, kinds: set[str], deps: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of an asset that is `table`."""
    return dg.asset(
        name=table.name,
        partitions_def=daily,
        group_name="call_stats",
        kinds=kinds,
        deps=list(deps),
        owners=OWNERS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=description,
        metadata={"dagster/table_name": table.name, "dagster/column_schema": column_schema(table, COLUMNS)},
    )


def _call_records(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(
        daily,
        tables.call_records,
        "Call records (CDR) as Guanke reports them, phones masked.\n\nA day is replaced in one transaction once it has"
        " arrived whole: distinct ids equal the reported total, or the old rows stand.",
        kinds={"postgres", "api"},
    )
    def call_records(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> _NOTHING:
        return _pull(context, runtime, "grade", about_records)

    return call_records


def _task_stats_cache(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(
        daily,
        tables.task_stats_cache,
        "Task-dimension numbers of a day: dialled, connected, successes over all dialling tasks.",
        kinds={"postgres", "api"},
    )
    def task_stats_cache(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> _NOTHING:
        return _pull(context, runtime, "task", about_tasks)

    return task_stats_cache


def _grade_stats_cache(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(
        daily,
        tables.grade_stats_cache,
        "Grade-dimension numbers of a day: 9-yuan and 1-yuan orders, counted call by call.\n\nA grade that contains"
        " `9元` or equals `9` is a 9-yuan order, else one that contains `1元` or equals `1` a 1-yuan order;"
        " `19元` and `11元` are neither.",
        kinds={"postgres"},
        deps=["call_records"],
    )
    def grade_stats_cache(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
        _publish(context, runtime, lambda connection, day: about_grades(publish_grade_numbers(connection, day)))

    return grade_stats_cache


def _agent_ranking(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(
        daily,
        tables.agent_ranking,
        "Agents of a day ranked by their orders.",
        kinds={"postgres"},
        deps=["call_records"],
    )
    def agent_ranking(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
        _publish(context, runtime, lambda connection, day: about_agents(publish_agents(connection, day)))

    return agent_ranking


def _hourly_orders(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @_asset(
        daily,
        tables.hourly_orders,
        "Calls and orders of a day by the hour they were dialled in.",
        kinds={"postgres"},
        deps=["call_records"],
    )
    def hourly_orders(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
        _publish(context, runtime, lambda connection, day: about_hours(publish_hours(connection, day)))

    return hourly_orders


def _pull(
    context: dg.AssetExecutionContext, runtime: Runtime, track: Track, about: Callable[[DayResult], dict[str, Any]]
) -> _NOTHING:
    """Sync the run's days of one track. Days that were stored before another failed are marked materialized."""
    done: list[DayResult] = []

    def note(result: DayResult) -> None:
        done.append(result)
        context.log.info(f"{result.date}: {result.outcome}, {result.proof.distinct_ids} read in {result.elapsed_s} s")

    deps = CallStatsDependencies.from_runtime(runtime)
    try:
        sync_days(
            deps.engine,
            deps.guanke(),
            track,
            parse_keys(context.partition_keys),
            sync_type=context.run.tags.get(SYNC_TYPE, "manual"),
            phone_key=deps.phone_key,
            on_day=note,
            run_id=context.run.run_id,
            publishes=track == "task",
        )
    except CallingError as error:
        _keep(context, runtime, track, {result.date: about(result) for result in done})
        raise dg.Failure(str(error), allow_retries=isinstance(error, TransientError)) from error
    for result in done:
        context.add_asset_metadata(about(result), partition_key=result.date.isoformat())
    return dg.MaterializeResult(
        metadata={"days_in_run": len(done), "elapsed_s_in_run": round(sum(day.elapsed_s for day in done), 3)}
    )


def _keep(context: dg.AssetExecutionContext, runtime: Runtime, track: Track, done: Mapping[dt.date, dict[str, Any]]) -> None:
    """The run fails and its later steps will not run: publish what is stored and proven all the same."""
    for day, metadata in done.items():
        if track == "grade":
            with runtime.transaction() as connection:
                publish_day(connection, day)
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata=metadata))


def _publish(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    publish: Callable[[sa.Connection, dt.date], dict[str, Any]],
) -> None:
    for key, day in zip(context.partition_keys, parse_keys(context.partition_keys), strict=True):
        try:
            with runtime.transaction() as connection:
                context.add_asset_metadata(publish(connection, day), partition_key=key)
        except CallingError as error:
            raise dg.Failure(str(error), allow_retries=isinstance(error, TransientError)) from error
