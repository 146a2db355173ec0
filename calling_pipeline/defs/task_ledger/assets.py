"""Dagster's view of the task ledger: its daily usage."""

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key
from calling_pipeline.defs.task_ledger import checks, schedules
from calling_pipeline.runtime import Runtime
from calling_pipeline.task_ledger.ledger import keep_usage


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The asset `task_usage`, its checks, its job and its schedule."""
    usage = _task_usage(daily)
    job = asset_job("task_usage_count", "task_usage", description="Count a day's tasks and credits.")
    return dg.Definitions(assets=[usage], asset_checks=checks.checks(), jobs=[job], schedules=[schedules.task_usage(job)])


def _task_usage(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("task_usage"),
        partitions_def=daily,
        group_name="task_ledger",
        kinds={"postgres"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Tasks and credits by day and feature, counted from the task ledger.",
        metadata={"dagster/table_name": "task_usage"},
    )
    def task_usage(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[None]:
        totals: dict[str, int] = {}
        for key in context.partition_keys:
            with runtime.transaction() as connection:
                rows = keep_usage(connection, days.parse_day(key))
            day = {
                "tasks_created": sum(row.created for row in rows),
                "tasks_completed": sum(row.completed for row in rows),
                "credits": sum(row.credits for row in rows),
                "refusals": sum(row.refusals for row in rows),
            }
            shown = {"dagster/partition_row_count": len(rows), **day, **in_console(runtime, "task_usage", key)}
            context.add_asset_metadata(shown, partition_key=key)
            totals = {name: totals.get(name, 0) + value for name, value in day.items()}
        return dg.MaterializeResult(metadata={f"{name}_in_range": value for name, value in totals.items()})

    return task_usage
