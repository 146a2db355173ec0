"""`calling_tasks`: starts runs for due ticks of the calling tasks, and for batches that wait or lost their process."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.defs.naming import named, tag_value
from calling_pipeline.defs.queueing import TASK, said, unfinished_runs
from calling_pipeline.outgoing import holding
from calling_pipeline.runtime import Runtime

NEWLY_PLANNED = dt.timedelta(minutes=2)
"""A batch planned this recently still has the process that planned it."""


def calling_tasks(job: Any, daily: dg.DailyPartitionsDefinition) -> dg.SensorDefinition:
    """The sensor."""

    @dg.sensor(
        name=named("calling_tasks"),
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A run for each calling task's due tick (of missed ones the latest, inside the calling hours), and for"
        " each batch that waits for its hour or whose process ended. A task whose run is not done gets no second one.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> Any:
        requests = [*tick_requests(runtime), *resume_requests(runtime, daily.start.date())]
        if not requests:
            return dg.SkipReason("no tick is due and no batch waits")
        under_way = {run.dagster_run.tags.get(TASK): said(run) for run in unfinished_runs(context.instance, job.name)}
        chosen = first_of_each_task(requests, under_way)
        waiting = sorted({f"{tag}: {under_way[tag]}" for tag in {request.tags[TASK] for request in requests} & {*under_way}})
        return chosen or dg.SkipReason(f"{len(requests)} runs wait for the last run of their task: {'; '.join(waiting)}")

    return sensor


def first_of_each_task(requests: Sequence[dg.RunRequest], busy: Collection[str | None]) -> list[dg.RunRequest]:
    """One request for each task that no run is `busy` with; the others are asked for again by a later tick."""
    chosen: dict[str, dg.RunRequest] = {}
    for request in requests:
        if request.tags[TASK] not in busy:
            chosen.setdefault(request.tags[TASK], request)
    return list(chosen.values())


def tick_requests(runtime: Runtime) -> list[dg.RunRequest]:
    """One run per due tick. Its key, and the batch's own, make it happen once."""
    now = days.now()
    with runtime.transaction() as connection:
        due = runs.due_ticks(connection, now)
    return [
        dg.RunRequest(
            run_key=f"tick:{item.task.id}:{item.tick_at.isoformat()}",
            partition_key=now.date().isoformat(),
            run_config=_for_task(item.task.name),
            tags={TASK: tag_value(f"task-{item.task.id}")},
        )
        for item in due
    ]


def resume_requests(runtime: Runtime, first_day: dt.date) -> list[dg.RunRequest]:
    """One run for each unfinished batch that no process holds, once for every process it lost. Expired ones are ended.

    None while calls of batches are held back.
    """
    now = days.now()
    requests = []
    with runtime.transaction() as connection:
        lifecycle.expire(connection)
        if holding.refusal(connection, "batches") is not None:
            return []
        for batch in batch_store.unfinished_batches(connection, now):
            fresh = batch.state == "planned" and now - batch.planned_at < NEWLY_PLANNED
            if fresh or batch.day < first_day or batch_store.is_pushed(connection, batch.id):
                continue
            occasion = batch.resume_at or batch_store.state_now(connection, batch.id)[1] or "planned"
            requests.append(
                dg.RunRequest(
                    run_key=f"resume:{batch.id}:{occasion}",
                    partition_key=batch.day.isoformat(),
                    run_config=_for_task(batch.task_name),
                    tags={TASK: tag_value(f"task-{batch.calling_task_id}"), "calling/batch": str(batch.id)},
                )
            )
    return requests


def _for_task(name: str) -> dict[str, Any]:
    return {"ops": {named("call_batches"): {"config": {"tasks": [name], "dry_run": False}}}}
