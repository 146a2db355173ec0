"""When ledgers and Metabase are read."""

from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.naming import named
from calling_pipeline.defs.queueing import busy
from calling_pipeline.notifications.contracts.runs import known_ledgers
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.runtime import Runtime


def contract_notifications(job: Any) -> dg.ScheduleDefinition:
    """Reads the ledgers every ten minutes of the working day, when there are any."""

    @dg.schedule(
        name=named("contract_notifications_today"),
        job=job,
        cron_schedule="*/10 8-21 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Announce the contracts that are new in the ledgers.",
    )
    def contract_notifications_today(
        context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.RunRequest | dg.SkipReason:
        if not known_ledgers(NotificationDependencies.from_runtime(runtime), runtime.settings.contract_ledgers):
            return dg.SkipReason("no contract ledger is named in CALLING_CONTRACT_LEDGERS")
        under_way = busy(context.instance, job.name)
        if under_way is not None:
            return dg.SkipReason(f"the last reading of the ledgers is not done: {under_way}")
        day = context.scheduled_execution_time.astimezone(days.SHANGHAI).date()
        return dg.RunRequest(partition_key=day.isoformat())

    return contract_notifications_today


def technician_notifications(job: Any) -> dg.ScheduleDefinition:
    """Asks Metabase every five minutes, when a robot is configured."""

    @dg.schedule(
        name=named("technician_notifications_today"),
        job=job,
        cron_schedule="*/5 * * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Announce technicians' status changes.",
    )
    def technician_notifications_today(
        context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.RunRequest | dg.SkipReason:
        if not runtime.settings.wecom_robots:
            return dg.SkipReason("no robot is named in CALLING_WECOM_ROBOTS")
        under_way = busy(context.instance, job.name)
        if under_way is not None:
            return dg.SkipReason(f"Metabase is still being asked: {under_way}")
        return dg.RunRequest()

    return technician_notifications_today
