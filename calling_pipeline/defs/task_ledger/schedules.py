"""When the ledger's daily usage is counted."""

import datetime as dt
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.naming import named
from calling_pipeline.defs.queueing import busy
from calling_pipeline.defs.windows import RANGE_END, RANGE_START


def task_usage(job: Any) -> dg.ScheduleDefinition:
    """Yesterday and today in one run."""

    @dg.schedule(
        name=named("task_usage_recent"),
        job=job,
        cron_schedule="10 0,12 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Yesterday is complete shortly after midnight; today has its first numbers at noon.",
    )
    def task_usage_recent(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        under_way = busy(context.instance, job.name)
        if under_way is not None:
            return dg.SkipReason(f"the last count is not done: {under_way}")
        today = context.scheduled_execution_time.astimezone(days.SHANGHAI).date()
        yesterday = today - dt.timedelta(days=1)
        return dg.RunRequest(
            tags={
                RANGE_START: yesterday.isoformat(),
                RANGE_END: today.isoformat(),
            }
        )

    return task_usage_recent
