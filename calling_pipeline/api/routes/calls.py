"""Calling tasks and call batches over HTTP. A batch that is resumed here is pushed by the sensor `calling_tasks`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.call_batches import runs
from calling_pipeline.call_batches.batches import control, views
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.records import BatchState
from calling_pipeline.runtime import Runtime

router = APIRouter(prefix="/api/v1/calls", tags=["call batches"])


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a null character")
    return text


Text = Annotated[str, AfterValidator(_storable)]
BatchId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class TaskChanges(BaseModel):
    """Values of a calling task; what is left out stays, or takes its default."""

    model_config = ConfigDict(extra="forbid")

    cron: str | None = Field(None, description="5 fields, or 6 with seconds first; `?` allowed", examples=["0 0 9 * * ?"])
    source_schema: str | None = Field(None, max_length=63)
    source_table: str | None = Field(None, max_length=63)
    mobile_phone: str | None = Field(None, max_length=63, description="column, as are the next four")
    staff_name: str | None = Field(None, max_length=63)
    sys_name: str | None = Field(None, max_length=63)
    order_type: str | None = Field(None, max_length=63)
    order_nums: str | None = Field(None, max_length=63)
    enabled: bool | None = None
    remark: Text | None = Field(None, max_length=2000)
    recall_days: int | None = Field(None, ge=0, description="null: never call a number again")
    rate_per_s: float | None = Field(None, gt=0)
    policy: dict[str, Any] | None = None


class NewTask(TaskChanges):
    """A calling task to add."""

    name: Text = Field(max_length=60)


class Settlement(BaseModel):
    """What became of unknown calls: all of the batch, or those with these ids."""

    model_config = ConfigDict(extra="forbid")

    settle_as: Literal["pushed", "retry"]
    call_ids: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] | None = None
    note: Text = Field("", max_length=500)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _done(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


@router.get("/tasks")
def list_tasks(request: Request, caller: Caller = Depends(requires("viewer"))) -> dict[str, Any]:
    """Every calling task with its next five ticks."""
    with _runtime(request).transaction() as connection:
        return _done([editing.document(task) for task in task_store.all_tasks(connection)])


@router.post("/tasks", status_code=201)
def add_task(request: Request, wanted: NewTask, caller: Caller = Depends(requires("operator"))) -> dict[str, Any]:
    """Add a calling task; its source is checked against the database's catalogue."""
    with _runtime(request).transaction() as connection:
        return _done(editing.document(editing.add(connection, _given(wanted))))


@router.get("/tasks/{name}")
def show_task(request: Request, name: Text, caller: Caller = Depends(requires("viewer"))) -> dict[str, Any]:
    """One calling task and its next five ticks."""
    with _runtime(request).transaction() as connection:
        return _done(editing.document(task_store.by_name(connection, name)))


@router.patch("/tasks/{name}")
def edit_task(
    request: Request, name: Text, changes: TaskChanges, caller: Caller = Depends(requires("operator"))
) -> dict[str, Any]:
    """Change a calling task. It fires nothing: a changed cron counts from now."""
    with _runtime(request).transaction() as connection:
        return _done(editing.document(editing.edit(connection, name, _given(changes))))


@router.delete("/tasks/{name}")
def remove_task(request: Request, name: Text, caller: Caller = Depends(requires("operator"))) -> dict[str, Any]:
    """Delete a calling task that never had a batch."""
    with _runtime(request).transaction() as connection:
        editing.remove(connection, name)
    return _done({"removed": name})


@router.get("/tasks/{name}/preview")
def preview_task(request: Request, name: Text, caller: Caller = Depends(requires("operator"))) -> dict[str, Any]:
    """The pre-flight card of the task as it would be planned now. Writes nothing."""
    return _done({"task": name, **views.card_document(runs.preview_task(_runtime(request).engine, name))})


@router.get("/batches")
def list_batches(
    request: Request,
    task: Text | None = None,
    day: dt.date | None = None,
    state: BatchState | None = None,
    limit: int = Query(20, ge=1, le=1000),
    caller: Caller = Depends(requires("viewer")),
) -> dict[str, Any]:
    """Batches, newest first."""
    with _runtime(request).transaction() as connection:
        found = batch_store.latest_batches(connection, task=task, day=day, state=state, limit=limit)
    return _done([views.batch_line(batch) for batch in found])


@router.get("/batches/{batch_id}")
def show_batch(request: Request, batch_id: BatchId, caller: Caller = Depends(requires("viewer"))) -> dict[str, Any]:
    """One batch: its card reconciled, and its unknown calls, masked."""
    with _runtime(request).transaction() as connection:
        return _done(views.batch_document(connection, batch_id))


@router.post("/batches/{batch_id}/pause")
def pause_batch(request: Request, batch_id: BatchId, caller: Caller = Depends(requires("operator"))) -> dict[str, Any]:
    """Send nothing more; what is on its way is still recorded."""
    with _runtime(request).transaction() as connection:
        return _done(views.batch_line(control.pause(connection, batch_id, note=f"paused by {caller.name}")))


@router.post("/batches/{batch_id}/resume")
def resume_batch(request: Request, batch_id: BatchId, caller: Caller = Depends(requires("operator"))) -> dict[str, Any]:
    """Let a paused or waiting batch go on."""
    with _runtime(request).transaction() as connection:
        return _done(views.batch_line(control.resume(connection, batch_id)))


@router.post("/batches/{batch_id}/cancel")
def cancel_batch(request: Request, batch_id: BatchId, caller: Caller = Depends(requires("operator"))) -> dict[str, Any]:
    """Skip everything not yet sent."""
    runtime = _runtime(request)
    with runtime.transaction() as connection:
        control.cancel(connection, batch_id)
    control.recover(runtime.engine, by=caller.name)
    with runtime.transaction() as connection:
        return _done(views.batch_document(connection, batch_id))


@router.post("/batches/{batch_id}/settle")
def settle_calls(
    request: Request, batch_id: BatchId, wanted: Settlement, caller: Caller = Depends(requires("operator"))
) -> dict[str, Any]:
    """Say what became of calls whose fate is unknown."""
    with _runtime(request).transaction() as connection:
        done = control.settle(
            connection,
            settlement_of(wanted.settle_as),
            batch_id=batch_id,
            ids=wanted.call_ids,
            by=caller.name,
            note=wanted.note,
        )
    return _done({"settled": done.calls, "batches": done.batches})


def _given(model: TaskChanges) -> dict[str, Any]:
    """What was sent; null means "none" only where none is a value."""
    sent = model.model_dump(exclude_unset=True)
    nullable = ("staff_name", "sys_name", "order_type", "order_nums", "recall_days", "rate_per_s")
    return {name: value for name, value in sent.items() if value is not None or name in nullable}
