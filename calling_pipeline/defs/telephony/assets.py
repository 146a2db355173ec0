"""Dagster's view of telephony: the extension pool, the communication records, their checks, jobs and the sweep."""

import asyncio
import datetime as dt
from dataclasses import asdict
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.activity.noting import reported_by_run
from calling_pipeline.defs import retries
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key
from calling_pipeline.defs.queueing import INFINITY
from calling_pipeline.defs.telephony import checks as telephony_checks
from calling_pipeline.defs.telephony import recordings, schedules, sensors
from calling_pipeline.errors import CallingError, may_succeed_later
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony import quality
from calling_pipeline.telephony.billing.reconcile import ASSET, reconcile_day
from calling_pipeline.telephony.calls import tables as call_tables
from calling_pipeline.telephony.calls.recordings import store as recording_store
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring.facts import store as fact_store
from calling_pipeline.telephony.monitoring.snapshots import take_snapshot
from calling_pipeline.telephony.pool import tables as pool_tables


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The assets `extension_pool` and `communication_records` with all that belongs to them."""
    pool, records = _extension_pool(), _communication_records(daily)
    pool_job = asset_job("extension_pool_check", "extension_pool", description="Look at the pool and check it.")
    records_job = asset_job(
        "communication_records_reconcile",
        ASSET,
        description="Reconcile days of calls with Infinity's bill.",
    )
    return dg.Definitions(
        assets=[pool, records],
        asset_checks=telephony_checks.checks(daily),
        jobs=[pool_job, records_job, recordings.recordings_fetch],
        schedules=[schedules.extension_pool(pool_job), schedules.communication_records(records_job)],
        sensors=[sensors.stale_extensions, recordings.recordings_due],
    )


def _extension_pool() -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("extension_pool"),
        group_name="telephony",
        kinds={"postgres"},
        description="The SIP extensions allocated to collectors: state of every extension, utilisation of every tenant.",
        retry_policy=retries.VENDOR,
        metadata={"dagster/table_name": pool_tables.extension_pool.name},
    )
    def extension_pool(runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[None]:
        with retries.refusals_as_sentences(), runtime.transaction() as connection:
            rows = take_snapshot(connection)
        counts = quality.summary(rows)
        shown = [{**asdict(row), "last_used_at": str(row.last_used_at or "")} for row in rows]
        records = [dg.TableRecord({name: value for name, value in row.items() if value is not None}) for row in shown]
        highest = max((row.utilisation_pct for row in rows), default=0.0)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": counts["total"],
                **counts,
                "tenants": len({row.tenant_id for row in rows}),
                "highest_utilisation_pct": highest,
                "pools": dg.MetadataValue.table(records) if records else "no pool yet",
                **in_console(runtime, "extension_pool"),
            }
        )

    return extension_pool


def _communication_records(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(ASSET),
        partitions_def=daily,
        group_name="telephony",
        kinds={"postgres", "api"},
        deps=[asset_key("extension_pool")],
        pool=INFINITY,
        retry_policy=retries.VENDOR,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Our record of every Infinity call, reconciled day by day with Infinity's own bill.",
        metadata={"dagster/table_name": call_tables.communication_records.name},
    )
    def communication_records(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.MaterializeResult[None]:
        refused: dict[str, CallingError] = {}
        done: dict[str, dict[str, Any]] = {}
        for key in sorted(context.partition_keys, reverse=True):
            try:
                sums = asyncio.run(_reconciled(runtime, days.parse_day(key)))
                done[key] = {**sums, **in_console(runtime, ASSET, key)}
            except CallingError as error:
                refused[key] = error
                context.log.warning(f"{key}: {error}")
        if refused:  # the days that went well are done all the same
            for key, metadata in sorted(done.items()):  # the newest last: the UI's page leads with what was shown last
                context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata))
            reasons = "; ".join(f"{key}: {error}" for key, error in refused.items())
            raise dg.Failure(reasons, allow_retries=any(map(may_succeed_later, refused.values())))
        for key, metadata in done.items():
            context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult(metadata={"days_in_run": len(done)})

    return communication_records


async def _reconciled(runtime: Runtime, day: dt.date) -> dict[str, int]:
    """Reconcile one day with every tenant's bill; its sums."""
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        with reported_by_run([ASSET]):
            results = await reconcile_day(deps, day)
    with runtime.transaction() as connection:
        states = fact_store.calls_by_state(connection, *days.day_bounds(day))
        kept = recording_store.counts(connection, *days.day_bounds(day))
    names = ("billed", "matched", "settled", "billed_unknown_to_us", "recorded_not_billed", "recordings")
    sums = {name: sum(getattr(result, name) for result in results) for name in names}
    recorded = {f"recordings_{name}": number for name, number in vars(kept).items()}
    by_state = {f"state_{name}": number for name, number in states.items()}
    return {"dagster/partition_row_count": sum(states.values()), **sums, **recorded, **by_state}
