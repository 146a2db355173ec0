"""Dagster's view of the call batches: the assets `call_batches` and `call_history`, their checks and their job."""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from calling_pipeline import days
from calling_pipeline.activity.noting import reported_by_run
from calling_pipeline.call_batches.calls.tables import call_tasks
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.history import store as history_store
from calling_pipeline.call_batches.history.tables import call_history as history_table
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.defs.acting import acting, who
from calling_pipeline.defs.call_batches import checks as call_batches_checks
from calling_pipeline.defs.call_batches import sensors
from calling_pipeline.defs.call_batches.metadata import about_day, previews
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key
from calling_pipeline.defs.planned_checks.store import forget_unjudged
from calling_pipeline.defs.queueing import BATCH_CLASS, GATEWAY
from calling_pipeline.defs.retries import refusals_as_sentences
from calling_pipeline.defs.windows import assets_of_run
from calling_pipeline.runtime import Runtime

_NOTHING = dg.MaterializeResult[None]


class CallBatchesConfig(dg.Config):
    """Which calling tasks, by name (none: all), and whether only to show the pre-flight cards.

    Who starts a run by hand calls nobody unless they say so; the sensor `calling_tasks` says so.
    """

    tasks: list[str] = Field(
        default_factory=list,
        description="Calling tasks by name (`calling-pipeline calls task list`); empty: all",
    )
    dry_run: bool = Field(True, description="true: show each task's pre-flight card, plan and call nothing; false: call")


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Assets, checks, the job and the sensor of the room."""
    batches = _call_batches(daily)
    history = _call_history(daily)
    job = asset_job(
        "call_batches_run",
        "call_batches",
        "call_history",
        description="Plan the calling tasks' due ticks and push the day's unfinished batches; with `dry_run`, which is the"
        " default of a launch by hand, only show what would be called.",
        tags=BATCH_CLASS,
    )
    return dg.Definitions(
        assets=[batches, history],
        asset_checks=call_batches_checks.checks(daily),
        jobs=[job],
        sensors=[sensors.calling_tasks(job, daily)],
    )


def _call_batches(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("call_batches"),
        partitions_def=daily,
        group_name="call_batches",
        kinds={"postgres", "api"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=GATEWAY,
        output_required=False,
        description="Calls planned and pushed to the dialling gateway, one batch for every tick of a calling task.\n\n"
        "A rerun or backfill plans no tick twice and calls nobody again: it goes on with what is unfinished. Started by"
        " hand it shows what would be called, as an observation, unless its configuration says `dry_run: false`.",
        metadata={"dagster/table_name": call_tasks.name},
    )
    def call_batches(
        context: dg.AssetExecutionContext, config: CallBatchesConfig, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[_NOTHING]:
        with refusals_as_sentences(), runtime.transaction() as connection:
            for key in context.partition_keys:
                runs.require_known(connection, config.tasks, days.parse_day(key))
        if config.dry_run:
            context.log_event(dg.AssetObservation(context.asset_key, metadata=previews(runtime, config.tasks)))
            forget_unjudged(context.instance, context.run.run_id)  # the steps of the checks are skipped
            context.log.info("a dry run: nothing was planned and nobody called; the cards are in the asset's observation")
            return
        dependencies, calls, unknown = BatchDependencies.from_runtime(runtime, by=who(context.run)), 0, 0
        for key in context.partition_keys:
            with reported_by_run(assets_of_run(context)), acting(context.run):
                runs.run_day(dependencies, days.parse_day(key), names=config.tasks, say=context.log.info)
            metadata = about_day(runtime, key)
            context.add_asset_metadata({**metadata, **in_console(runtime, "call_batches", key)}, partition_key=key)
            calls += metadata["calls_made"]
            unknown += metadata["calls_unknown"]
        yield dg.MaterializeResult(metadata={"calls_made_in_range": calls, "calls_unknown_in_range": unknown})

    return call_batches


def _call_history(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("call_history"),
        partitions_def=daily,
        group_name="call_batches",
        kinds={"postgres"},
        deps=[asset_key("call_batches")],
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Every phone ever called, once: first and last call, and how many.\n\nWritten call by call with each"
        " outcome; this asset counts it.",
        metadata={"dagster/table_name": history_table.name},
    )
    def call_history(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> _NOTHING:
        with runtime.transaction() as connection:
            for key in context.partition_keys:
                day = days.parse_day(key)
                totals = fact_store.totals_of(connection, day)
                shown = {"calls_of_day": int(totals.pushed), "attempts_of_day": int(totals.attempts)}
                context.add_asset_metadata({**shown, **in_console(runtime, "call_history", key)}, partition_key=key)
            phones, calls = history_store.totals(connection)
        return dg.MaterializeResult(metadata={"dagster/row_count": phones, "calls": calls})

    return call_history
