"""`calling_tasks`: starts runs for due ticks of the calling tasks, and for batches that wait or lost their process."""

import datetime as dt
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_batches import runs
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.runtime import Runtime

NEWLY_PLANNED = dt.timedelta(minutes=2)
"""A batch planned this recently still has the process that planned it."""


def calling_tasks(job: Any, daily: dg.DailyPartitionsDefinition) -> dg.SensorDefinition:
    """The sensor."""

    @dg.sensor(
        name="calling_tasks",
        job=job,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A run for each calling task's due tick (of missed ones the latest, inside the calling hours), and for"
        " each batch that waits for its hour or whose process ended.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> Any:
        requests = [*tick_requests(runtime), *resume_requests(runtime, daily.start.date())]
        return requests or dg.SkipReason("no tick is due and no batch waits")

    return sensor


def tick_requests(runtime: Runtime) -> list[dg.RunRequest]:
    """One run per due tick. Its key, and the batch's own, make it happen once."""
    now = days.now()
    with runtime.transaction() as connection:
        due = runs.due_ticks(connection, now)
    return [
        dg.RunRequest(
            run_key=f"tick:{item.task.id}:{item.tick_at.isoformat()}",
            partition_key=now.date().isoformat(),
            run_config={"ops": {"call_batches": {"config": {"tasks": [item.task.name]}}}},
            tags={"calling/task": f"task-{item.task.id}"},
        )
        for item in due
    ]


def resume_requests(runtime: Runtime, first_day: dt.date) -> list[dg.RunRequest]:
    """One run for each unfinished batch that no process holds, once for every process it lost."""
    now = days.now()
    requests = []
    with runtime.transaction() as connection:
        for batch in batch_store.unfinished_batches(connection, now):
            fresh = batch.state == "planned" and now - batch.planned_at < NEWLY_PLANNED
            if fresh or batch.day < first_day or batch_store.is_pushed(connection, batch.id):
                continue
            occasion = batch.resume_at or batch_store.state_now(connection, batch.id)[1] or "planned"
            requests.append(
                dg.RunRequest(
                    run_key=f"resume:{batch.id}:{occasion}",
                    partition_key=batch.day.isoformat(),
                    run_config={"ops": {"call_batches": {"config": {"tasks": [batch.task_name]}}}},
                    tags={"calling/batch": str(batch.id)},
                )
            )
    return requests
