"""Calling tasks over HTTP: their list, their values, and runs by hand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PatientRuntimeDep, RuntimeDep, Text
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.api.routes.call_batches.bodies import DryRun, NewTask, Preflight, Removed, RunNow, Started, TaskChanges
from calling_pipeline.call_batches.batches import views
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.dependencies import gateway_refusal, plan_rules
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.errors import InvalidInput

router = APIRouter(prefix="/api/v1/calls", tags=["call batches"])
Viewer = Annotated[Caller, Depends(requires("viewer", "batches"))]
Operator = Annotated[Caller, Depends(requires("operator", "batches"))]


@router.get("/tasks")
def list_tasks(runtime: RuntimeDep, caller: Viewer) -> Success[list[Described[editing.TaskDocument]]]:
    """Every calling task with its next five ticks."""
    with runtime.transaction() as connection:
        return ok([editing.document(task) for task in task_store.all_tasks(connection)])


@router.post("/tasks", status_code=201)
def add_task(runtime: RuntimeDep, wanted: NewTask, caller: Operator) -> Success[Described[editing.TaskDocument]]:
    """Add a calling task; its source is checked against the database's catalogue."""
    with runtime.transaction() as connection:
        added = editing.add(connection, _given(wanted), plan_rules(runtime.settings), by=caller.name)
        return ok(editing.document(added))


@router.get("/tasks/{name}")
def show_task(runtime: RuntimeDep, name: Text, caller: Viewer) -> Success[Described[editing.TaskDocument]]:
    """One calling task and its next five ticks."""
    with runtime.transaction() as connection:
        return ok(editing.document(task_store.by_name(connection, name)))


@router.patch("/tasks/{name}")
def edit_task(
    runtime: RuntimeDep, name: Text, changes: TaskChanges, caller: Operator
) -> Success[Described[editing.TaskDocument]]:
    """Change a calling task. It fires nothing: a changed cron counts from now."""
    with runtime.transaction() as connection:
        edited = editing.edit(connection, name, _given(changes), plan_rules(runtime.settings), by=caller.name)
        return ok(editing.document(edited))


@router.delete("/tasks/{name}")
def remove_task(runtime: RuntimeDep, name: Text, caller: Operator) -> Success[Removed]:
    """Delete a calling task that never had a batch."""
    with runtime.transaction() as connection:
        editing.remove(connection, name, by=caller.name)
    return ok(Removed(removed=name))


@router.get("/tasks/{name}/preview")
def preview_task(runtime: RuntimeDep, name: Text, caller: Operator) -> Success[Described[Preflight]]:
    """The pre-flight card of the task as it would be planned now, and why no batch may start (`refusal`). Writes nothing."""
    card = runs.preview_task(runtime.engine, name, plan_rules(runtime.settings))
    found: Preflight = {"task": name, **views.card_document(card), "refusal": gateway_refusal(runtime.settings)}
    return ok(found)


@router.post("/tasks/{name}/run")
def run_task(
    patient: PatientRuntimeDep, name: Text, wanted: RunNow, caller: Operator
) -> Success[Described[DryRun | Started]]:
    """Run a calling task now. With `dry_run`, the default, its pre-flight card; else a batch that the sensor pushes.

    `to_call` is what the card showed: when another number would be called by then, 409, and nothing is planned.
    """
    rules, refusal = plan_rules(patient.settings), gateway_refusal(patient.settings)
    if wanted.dry_run:
        card = runs.preview_task(patient.engine, name, rules)
        shown: DryRun = {"task": name, **views.card_document(card), "refusal": refusal, "dry_run": True}
        return ok(shown)
    if wanted.to_call is None:
        raise InvalidInput("a run that calls people needs to_call, the number that the dry run showed", field="to_call")
    batch = runs.start_task(
        patient.engine, name, rules, to_call=wanted.to_call, refusal=refusal, by=caller.name, reason=wanted.reason
    )
    started: Started = {**views.batch_line(batch), "dry_run": False}
    return ok(started)


def _given(model: TaskChanges) -> dict[str, Any]:
    """What was sent; null means "none" only where none is a value."""
    sent = model.model_dump(exclude_unset=True)
    if sent.get("redial") is not None:
        sent["redial"] = [{key: value for key, value in rule.items() if value is not None} for rule in sent["redial"]]
    nullable = (
        "staff_name",
        "sys_name",
        "order_type",
        "order_nums",
        "row_key",
        "recall_days",
        "refused_days",
        "expires_after",
        "rate_per_s",
        "best_time",
    )
    return {name: value for name, value in sent.items() if value is not None or name in nullable}
