"""When telephony's assets are materialized."""

import datetime as dt
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.naming import named
from calling_pipeline.defs.queueing import busy
from calling_pipeline.defs.windows import RANGE_END, RANGE_START

_RECORDS_CRON = "20 0,6,9-23/2 * * *"


def extension_pool(job: Any) -> dg.ScheduleDefinition:
    """A snapshot of the pool every quarter of an hour."""
    return dg.ScheduleDefinition(
        name=named("extension_pool_today"),
        job=job,
        cron_schedule="*/15 8-21 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Snapshot and checks of the pool in calling hours.",
    )


def communication_records(job: Any) -> dg.ScheduleDefinition:
    """Yesterday and today against the bill."""

    @dg.schedule(
        name=named("communication_records_recent"),
        job=job,
        cron_schedule=_RECORDS_CRON,
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Yesterday and today in one run.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        under_way = busy(context.instance, job.name)
        if under_way is not None:
            return dg.SkipReason(f"the last reconciliation is not done: {under_way}")
        today = context.scheduled_execution_time.astimezone(days.SHANGHAI).date()
        yesterday = today - dt.timedelta(days=1)
        return dg.RunRequest(tags={RANGE_START: yesterday.isoformat(), RANGE_END: today.isoformat()})

    return schedule
