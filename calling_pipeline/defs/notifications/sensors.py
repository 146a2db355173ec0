"""When notifications happen: ledgers and Metabase are read on a timetable, deliveries start when something is due."""

import dagster as dg

from calling_pipeline import days
from calling_pipeline.runtime import Runtime

_BUSY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def dispatch_sensor(job: dg.JobDefinition) -> dg.SensorDefinition:
    """Starts a delivery when a message is due, or when claims are orphaned or held messages have no alert yet."""

    @dg.sensor(
        name="notification_dispatch",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a delivery run when contract or technician messages are due.",
    )
    def notification_dispatch(
        context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.RunRequest | dg.SkipReason:
        from calling_pipeline.notifications.dispatch import work_waiting

        busy = context.instance.get_run_records(dg.RunsFilter(job_name=job.name, statuses=_BUSY), limit=1)
        if busy:
            return dg.SkipReason(f"delivery {busy[0].dagster_run.run_id[:8]} is {busy[0].dagster_run.status.value}")
        with runtime.transaction() as connection:
            reason = work_waiting(connection)
        if reason is None:
            return dg.SkipReason("nothing is due")
        return dg.RunRequest(tags={"calling/reason": reason[:100]})

    return notification_dispatch


def contracts_schedule(job: object) -> dg.ScheduleDefinition:
    """Reads the ledgers every ten minutes of the working day, when there are any."""

    @dg.schedule(
        name="contract_notifications_today",
        job=job,  # type: ignore[arg-type]
        cron_schedule="*/10 8-21 * * *",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Announce the contracts that are new in the ledgers.",
    )
    def contract_notifications_today(
        context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.RunRequest | dg.SkipReason:
        from calling_pipeline.notifications.contracts.runs import known_ledgers

        if not known_ledgers(runtime.notifications(), runtime.settings.contract_ledgers):
            return dg.SkipReason("no contract ledger is named in CALLING_CONTRACT_LEDGERS")
        day = context.scheduled_execution_time.astimezone(days.SHANGHAI).date()
        return dg.RunRequest(partition_key=day.isoformat())

    return contract_notifications_today


def technicians_schedule(job: object) -> dg.ScheduleDefinition:
    """Asks Metabase every five minutes, when a robot is configured."""

    @dg.schedule(
        name="technician_notifications_today",
        job=job,  # type: ignore[arg-type]
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
        return dg.RunRequest()

    return technician_notifications_today
