"""The job that fetches recordings of calls, and the sensor that starts it when there are some to fetch."""

import asyncio

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs import retries
from calling_pipeline.defs.naming import job_tags, named
from calling_pipeline.defs.queueing import busy
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings import store
from calling_pipeline.telephony.calls.recordings.fetching import fetch_due
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.calls.recordings.records import Fetched
from calling_pipeline.telephony.dependencies import TelephonyDependencies

_ROUNDS = 50


@dg.op(description="Recordings whose links are known and that are due, those first whose links expire first.")
def fetch_recordings(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Round after round until nothing is due."""
    with retries.refusals_as_sentences():
        fetched = asyncio.run(_fetched(runtime))
    context.add_output_metadata({f"recordings_{name}": number for name, number in vars(fetched).items()})


@dg.job(
    name=named("recordings_fetch"),
    description="Fetches recordings of calls before the vendor's links expire, and keeps them encrypted.",
    tags=job_tags(),
)
def recordings_fetch() -> None:
    """One op."""
    fetch_recordings()


@dg.sensor(
    name=named("recordings_due"),
    job=recordings_fetch,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Starts `recordings_fetch` when recordings of calls are to be fetched.",
)
def recordings_due(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.RunRequest | dg.SkipReason:
    """One run at a time."""
    under_way = busy(context.instance, recordings_fetch.name)
    if under_way is not None:
        return dg.SkipReason(f"recordings are being fetched: {under_way}")
    with runtime.transaction() as connection:
        due = store.any_due(connection, days.now())
    return dg.RunRequest() if due else dg.SkipReason("no recording is to be fetched")


async def _fetched(runtime: Runtime) -> Fetched:
    keeping, sums = Keeping.of(runtime.settings), {"queued": 0, "kept": 0, "later": 0, "lost": 0}
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        for _ in range(_ROUNDS):
            done = await fetch_due(deps, keeping)
            sums = {name: number + vars(done)[name] for name, number in sums.items()}
            if not (done.kept or done.later or done.lost):
                break
    return Fetched(**sums)
