"""`notification_dispatch`: starts a delivery when something is due."""

import dagster as dg

from calling_pipeline.defs.naming import named
from calling_pipeline.defs.queueing import SOON, busy
from calling_pipeline.notifications.dispatch import work_waiting
from calling_pipeline.runtime import Runtime


def dispatch_sensor(job: dg.JobDefinition) -> dg.SensorDefinition:
    """Starts a delivery when a message is due, or when claims are orphaned or held messages have no alert yet."""

    @dg.sensor(
        name=named("notification_dispatch"),
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a delivery run when contract or technician messages are due.",
    )
    def notification_dispatch(
        context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.RunRequest | dg.SkipReason:
        under_way = busy(context.instance, job.name)
        if under_way is not None:
            return dg.SkipReason(f"the last delivery is not done: {under_way}")
        with runtime.transaction() as connection:
            reason = work_waiting(connection, shadow=runtime.settings.shadow)
        if reason is None:
            return dg.SkipReason("nothing is due")
        return dg.RunRequest(tags={"calling/reason": reason[:100], **SOON})

    return notification_dispatch
