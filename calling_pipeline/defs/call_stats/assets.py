"""Dagster's view of the stats caches: the assets of the two tracks, one step and one job for each track."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from calling_pipeline.call_stats import tables
from calling_pipeline.call_stats.records import ASSETS, Track
from calling_pipeline.defs import retries
from calling_pipeline.defs.acting import acting
from calling_pipeline.defs.call_stats import checks as call_stats_checks
from calling_pipeline.defs.call_stats import schedules, sensors
from calling_pipeline.defs.call_stats.runs import TrackRun
from calling_pipeline.defs.naming import asset_job, asset_key, tag_value
from calling_pipeline.defs.queueing import GUANKE, LOCK
from calling_pipeline.runtime import Runtime


class SyncConfig(dg.Config):
    """What an operator may ask of a run beyond its days."""

    full_read: bool = Field(False, description="true: read today in full, not only what is new; past days always are")
    publish_held: bool = Field(
        False, description="true: publish also what the publishing gate would hold, in the name of this run"
    )


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Assets with their checks, jobs, schedules and sensors of the room."""
    jobs = {
        "grade": asset_job(
            "grade_stats_sync",
            *ASSETS["grade"],
            description="Grade track: pull call records, prove them complete, publish the grade numbers.",
            tags={LOCK: tag_value("grade stats")},
        ),
        "task": asset_job(
            "task_stats_sync",
            *ASSETS["task"],
            description="Task track: pull the dialling tasks' statistics and publish their sums.",
            tags={LOCK: tag_value("task stats")},
        ),
    }
    return dg.Definitions(
        assets=[
            _track("grade", [_CALL_RECORDS, _GRADE_STATS_CACHE, _AGENT_RANKING, _HOURLY_ORDERS], daily),
            _track("task", [_TASK_STATS_CACHE], daily),
        ],
        jobs=list(jobs.values()),
        schedules=schedules.stats_schedules(jobs, daily),
        sensors=[sensors.stale_cache_alerts],
    )


def _track(track: Track, specs: Sequence[dg.AssetSpec], daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """All assets of a track as one step, so that a day is read, published, shown and judged before the next one.

    Nothing is returned to Dagster: what a day became is logged as soon as it is known, and a bad day is not shown as done.
    """

    @dg.multi_asset(
        name=f"{track}_track",
        specs=specs,
        check_specs=call_stats_checks.specs(ASSETS[track], daily),
        partitions_def=daily,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=GUANKE,
        retry_policy=retries.VENDOR,
    )
    def sync(context: dg.AssetExecutionContext, config: SyncConfig, runtime: dg.ResourceParam[Runtime]) -> Iterator[Any]:
        with acting(context.run):
            TrackRun(context, runtime, track, full_read=config.full_read, publish_held=config.publish_held).execute()
        yield from ()

    return sync


def _asset(table: sa.Table, description: str, *, kinds: set[str], deps: Sequence[str] = ()) -> dg.AssetSpec:
    """The asset that is `table`."""
    return dg.AssetSpec(
        asset_key(table.name),
        group_name="call_stats",
        kinds=kinds,
        deps=[asset_key(name) for name in deps],
        description=description,
        metadata={"dagster/table_name": table.name},
    )


_CALL_RECORDS = _asset(
    tables.call_records,
    "Call records (CDR) as Guanke reports them, phones masked.\n\nA day is replaced in one transaction once it has"
    " arrived whole: distinct ids equal the reported total, or the old rows stand.",
    kinds={"postgres", "api"},
)
_GRADE_STATS_CACHE = _asset(
    tables.grade_stats_cache,
    "Grade-dimension numbers of a day: 9-yuan and 1-yuan orders, counted call by call.\n\nA grade that contains"
    " `9元` or equals `9` is a 9-yuan order, else one that contains `1元` or equals `1` a 1-yuan order;"
    " `19元` and `11元` are neither. Materialized without `call_records`, a day is counted anew from the stored call"
    " records; one that was never read is read.",
    kinds={"postgres"},
    deps=["call_records"],
)
_AGENT_RANKING = _asset(
    tables.agent_ranking, "Agents of a day ranked by their orders.", kinds={"postgres"}, deps=["call_records"]
)
_HOURLY_ORDERS = _asset(
    tables.hourly_orders,
    "Calls and orders of a day by the hour they were dialled in.\n\nNumbers in brackets are those of the same weekday a week"
    " before.",
    kinds={"postgres"},
    deps=["call_records"],
)
_TASK_STATS_CACHE = _asset(
    tables.task_stats_cache,
    "Task-dimension numbers of a day: dialled, connected, successes over all dialling tasks.",
    kinds={"postgres", "api"},
)
