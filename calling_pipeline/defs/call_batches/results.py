"""Dagster's view of what became of pushed calls: the asset `call_results`, its checks, its job, and what starts it."""

import datetime as dt
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.activity.noting import reported_by_run
from calling_pipeline.analysis.call_results import quality
from calling_pipeline.analysis.call_results import store as analysis_store
from calling_pipeline.analysis.call_results.joining import ASSET, days_due, join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.call_batches.calls.results.tables import call_results as table
from calling_pipeline.defs.call_batches.checks import check
from calling_pipeline.defs.call_batches.metadata import about_results
from calling_pipeline.defs.checks import daily_checks
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key, named
from calling_pipeline.defs.queueing import SOON, busy
from calling_pipeline.defs.windows import PARTITION, range_tags
from calling_pipeline.runtime import Runtime

CHECKS = (
    check(quality.every_pushed_call_has_one_result),
    check(quality.no_call_record_is_used_twice),
    check(quality.results_agree_with_call_records),
)


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The asset with its checks, its job and the sensor that starts it."""
    asset = _call_results(daily)
    job = asset_job(
        "call_results_update",
        ASSET,
        description="Join the pushed calls of days with the call records. Calls nobody and reads nothing from a vendor.",
    )
    return dg.Definitions(
        assets=[asset],
        asset_checks=[daily_checks(ASSET, CHECKS, analysis_store.facts, daily)],
        jobs=[job],
        sensors=[_sensor(job, daily.start.date())],
    )


def _call_results(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(ASSET),
        partitions_def=daily,
        group_name="call_batches",
        kinds={"postgres"},
        deps=[asset_key("call_batches"), asset_key("call_records")],
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="What became of each pushed call: connected, not connected, not dialled or still waiting for its record,"
        " with orders and talk time; kept permanently.\n\nJoined by number and time: the first record of the number from the"
        " push on, before its next push. A rerun changes only what late or corrected records change.",
        metadata={"dagster/table_name": table.name},
    )
    def call_results(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[None]:
        rules, changed = JoinRules.of(runtime.settings, runtime.phone_keys), 0
        for key in sorted(context.partition_keys, reverse=True):
            with reported_by_run({ASSET}), runtime.transaction() as connection:
                joined = join_day(connection, days.parse_day(key), rules)
            changed += joined.changed
            context.log.info(f"{key}: {joined.pushed} pushed calls, {joined.changed} results new or changed")
            shown = {**about_results(runtime, days.parse_day(key)), "results_changed": joined.changed}
            context.add_asset_metadata({**shown, **in_console(runtime, ASSET, key)}, partition_key=key)
        return dg.MaterializeResult(metadata={"results_changed_in_range": changed})

    return call_results


def _sensor(job: Any, first_partition: dt.date) -> dg.SensorDefinition:
    @dg.sensor(
        name=named("call_results_due"),
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A run over the days with pushed calls whose call records were read anew, or of which a push was"
        " settled, since they were last joined, and once every morning after the T-10 syncs. No such day, no run; one run at"
        " a time.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> Any:
        with runtime.transaction() as connection:
            states = days_due(connection, JoinRules.of(runtime.settings, runtime.phone_keys))
        occasions = {state.day: state.occasion for state in states if state.day >= first_partition}
        wanted = sorted(occasions)
        if not wanted:
            return dg.SkipReason("every day with pushed calls is joined with the newest call records")
        under_way = busy(context.instance, job.name)
        if under_way is not None:
            return dg.SkipReason(f"{len(wanted)} days are due, but {under_way}")
        return [
            dg.RunRequest(run_key=f"results:{days.today()}:{first}:{occasions[last]}", tags={**_tags(first, last), **SOON})
            for first, last in stretches(wanted)
        ]

    return sensor


def stretches(wanted: list[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """The days, ascending, as unbroken stretches (first, last)."""
    found: list[tuple[dt.date, dt.date]] = []
    for day in wanted:
        if found and day - found[-1][1] == dt.timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _tags(first: dt.date, last: dt.date) -> dict[str, str]:
    return {PARTITION: last.isoformat()} if first == last else range_tags(first, last, "long_historical")
