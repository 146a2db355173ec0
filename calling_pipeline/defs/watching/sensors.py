"""The sensor that sends the heartbeat: it ticks as long as Dagster's daemon lives, so a dead daemon is heard as silence."""

import dagster as dg

from calling_pipeline.defs.naming import named
from calling_pipeline.metrics import heartbeat
from calling_pipeline.runtime import Runtime


@dg.sensor(
    name=named("outside_heartbeat"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=heartbeat.EVERY_S,
    description="Tells the watcher of CALLING_HEARTBEAT_URL that all is well; says nothing when a daemon is silent, a sync"
    " is late, a condition of the severity error is open or the database takes no row.",
)
def outside_heartbeat(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Starts no run and never fails."""
    return dg.SkipReason(heartbeat.send(runtime))


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The heartbeat; it concerns no partition."""
    return dg.Definitions(sensors=[outside_heartbeat])
