"""Dagster's view of the task ledger: its daily usage and the checks on the ledger itself."""

import datetime as dt

import dagster as dg

from calling_pipeline import days
from calling_pipeline.runtime import Runtime
from calling_pipeline.task_ledger import quality

OWNERS = ["team:calling-operations"]

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("date", "date", description="business day"),
        dg.TableColumn("feature", "text", description="what the work belongs to"),
        dg.TableColumn("created", "bigint", description="tasks first saved that day"),
        dg.TableColumn("completed", "bigint", description="tasks completed that day"),
        dg.TableColumn("failed", "bigint", description="tasks that failed that day and are failed now"),
        dg.TableColumn("pending", "bigint", description="created that day and still open when counted"),
        dg.TableColumn("charges", "bigint", description="acts charged that day"),
        dg.TableColumn("credits", "bigint", description="credits charged that day"),
        dg.TableColumn("refusals", "bigint", description="refused moves and refused charges"),
    ]
)


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The asset `task_usage`, its checks, its job and its schedule."""
    usage = _task_usage(daily)
    job = dg.define_asset_job(
        "task_usage_job", selection=dg.AssetSelection.assets("task_usage"), description="Count a day's tasks and credits."
    )
    return dg.Definitions(assets=[usage], asset_checks=[_checks], jobs=[job], schedules=[_schedule(job)])


def _task_usage(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=daily,
        group_name="task_ledger",
        kinds={"postgres"},
        owners=OWNERS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Tasks and credits by day and feature, counted from the task ledger.",
        metadata={"dagster/table_name": "task_usage", "dagster/column_schema": _COLUMNS},
    )
    def task_usage(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[None]:
        from calling_pipeline.task_ledger.ledger import keep_usage

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
            context.add_asset_metadata({"dagster/partition_row_count": len(rows), **day}, partition_key=key)
            totals = {name: totals.get(name, 0) + value for name, value in day.items()}
        return dg.MaterializeResult(metadata={f"{name}_in_range": value for name, value in totals.items()})

    return task_usage


_ASSET = dg.AssetKey("task_usage")


@dg.multi_asset_check(
    name="task_ledger_checks",
    specs=[
        dg.AssetCheckSpec("task_ids_are_unique", asset=_ASSET, description="No task id twice, blanks and case ignored."),
        dg.AssetCheckSpec(
            "charges_equal_completed_paid_tasks",
            asset=_ASSET,
            description="Every completed paid task has one charge of its amount, and every charge its task.",
        ),
    ],
    can_subset=True,
)
def _checks(context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]):  # type: ignore[no-untyped-def]
    from calling_pipeline.task_ledger import store

    with runtime.transaction() as connection:
        findings = {
            "task_ids_are_unique": quality.ids_are_unique(store.repeated_ids(connection)),
            "charges_equal_completed_paid_tasks": quality.charges_match(store.charge_differences(connection)),
        }
    for check in sorted(context.op_execution_context.selected_asset_check_keys):
        finding = findings[check.name]
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=finding.passed,
            metadata={"finding": finding.sentence, "examples": list(finding.examples)},
        )


def _schedule(job: object) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="task_usage_daily",
        job=job,  # type: ignore[arg-type]
        cron_schedule="10 0,12 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Yesterday is complete shortly after midnight; today has its first numbers at noon.",
    )
    def task_usage_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.astimezone(days.SHANGHAI).date()
        yesterday = today - dt.timedelta(days=1)
        return dg.RunRequest(
            tags={
                "dagster/asset_partition_range_start": yesterday.isoformat(),
                "dagster/asset_partition_range_end": today.isoformat(),
            }
        )

    return task_usage_daily
