"""The composition root of the Dagster project: settings → runtime → everything in `defs/`. Opens no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import dagster as dg

from calling_pipeline.defs import startup  # first: it holds the garbage collector back
from calling_pipeline.defs.alerts import sensors as alerts
from calling_pipeline.defs.call_batches import assets as call_batches
from calling_pipeline.defs.call_batches import results as call_results
from calling_pipeline.defs.call_stats import assets as call_stats
from calling_pipeline.defs.call_stats import history
from calling_pipeline.defs.call_stats.sensors import CACHES
from calling_pipeline.defs.catalogue import lineage
from calling_pipeline.defs.catalogue.describe import described
from calling_pipeline.defs.catch_up import Filling, cache_warm_up, materialized
from calling_pipeline.defs.exports import jobs as exports
from calling_pipeline.defs.housekeeping import jobs as housekeeping
from calling_pipeline.defs.instance.logs import set_form
from calling_pipeline.defs.instance.ticks import trace_ticks
from calling_pipeline.defs.instance.workers import in_process_executor
from calling_pipeline.defs.naming import named
from calling_pipeline.defs.notifications import assets as notifications
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.defs.reports import assets as reports
from calling_pipeline.defs.task_ledger import assets as task_ledger
from calling_pipeline.defs.telephony import assets as telephony
from calling_pipeline.defs.watching import sensors as watching
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings

ROOMS: tuple[Callable[[dg.DailyPartitionsDefinition], dg.Definitions], ...] = (
    call_stats.definitions,
    history.definitions,
    call_batches.definitions,
    call_results.definitions,
    task_ledger.definitions,
    notifications.definitions,
    telephony.definitions,
    reports.definitions,
    alerts.definitions,
    watching.definitions,
    exports.definitions,
    housekeeping.definitions,
)

REST = (
    Filling("task usage", named("task_usage_count"), materialized("task_usage")),
    Filling("communication records", named("communication_records_reconcile"), materialized("communication_records")),
    Filling("daily history", named("daily_history_update"), history.shown),
)
"""The daily assets whose holes `cache_warm_up` fills beside the caches."""


def build(runtime: Runtime) -> dg.Definitions:
    """The code location over `runtime`; tests pass one of their own."""
    daily = daily_partitions(runtime.settings.first_partition())
    complete = described(runtime.settings)
    merged = dg.Definitions.merge(*(definitions(daily) for definitions in ROOMS))
    jobs = {job.name: job for job in merged.jobs or ()}
    warm_up = cache_warm_up(CACHES, REST, [jobs[filling.job] for filling in (*CACHES, *REST)], daily)
    return dg.Definitions(
        assets=[
            *dg.map_asset_specs(complete, _linked_to_code(merged.assets or (), runtime.settings)),
            *dg.map_asset_specs(complete, lineage.sources(runtime.settings)),
        ],
        asset_checks=merged.asset_checks,
        jobs=merged.jobs,
        schedules=merged.schedules,
        sensors=[*(merged.sensors or ()), warm_up],
        resources={"runtime": runtime},
        executor=in_process_executor(runtime),
    )


def _linked_to_code(assets: Iterable[Any], settings: Settings) -> Sequence[Any]:
    """The assets with a link to their source: the repository's page when CALLING_SOURCE_URL names it, else the file."""
    linked = dg.with_source_code_references(list(assets))
    if settings.source_url is None:
        return linked
    anchor = dg.AnchorBasedFilePathMapping(Path(__file__), "calling_pipeline/definitions.py")
    url, branch = settings.source_url, settings.source_branch
    platform: Literal["github", "gitlab"] = "gitlab" if "gitlab" in url else "github"
    return dg.link_code_references_to_git(linked, url, branch, file_path_mapping=anchor, platform=platform)


trace_ticks()
runtime = Runtime.load()
set_form(runtime.settings)
defs = build(runtime)
startup.finished()
