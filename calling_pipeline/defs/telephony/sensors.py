"""The sensor that ends what callbacks left open, keeps the utilisation history and raises telephony's alerts."""

import asyncio

import dagster as dg

from calling_pipeline.defs.naming import named
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring import alerting
from calling_pipeline.telephony.monitoring.snapshots import take_snapshot
from calling_pipeline.telephony.records import Swept


@dg.sensor(
    name=named("stale_extensions"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Asks Infinity about calls that outlived their timeout and frees what is idle; watches utilisation, failures"
    " and late callbacks.",
)
def stale_extensions(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Works by itself and starts no run: an extension must not wait for one."""
    swept = asyncio.run(_sweep(runtime))
    with runtime.transaction() as connection:
        take_snapshot(connection)
        changed = alerting.judge(connection)
    if changed:  # a tick that logs leaves a file, and nobody removes it
        context.log.info("swept: %s; conditions changed: %s", swept, changed)
    return dg.SkipReason(
        f"{swept.asked} asked about, {swept.released} released, {swept.still_in_call} in a call, {swept.not_answered}"
        f" without an answer, {swept.callbacks_matched} callbacks matched, {len(changed)} alerts"
    )


async def _sweep(runtime: Runtime) -> Swept:
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        return await sweep(deps)
