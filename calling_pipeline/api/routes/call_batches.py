"""Calling tasks and call batches over HTTP. A batch that is resumed here is pushed by the sensor `calling_tasks`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.caller import Caller
from calling_pipeline.analysis.number_history.gathering import Sight, number_history
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Day, Id, PathId, PatientRuntimeDep, Real, RuntimeDep, Text, Whole
from calling_pipeline.api.envelope import Success, ok
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.call_batches import runs, starting
from calling_pipeline.call_batches.batches import lifecycle, views
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.dependencies import archives_of, gateway_refusal, plan_rules
from calling_pipeline.call_batches.records import BatchState, CallState
from calling_pipeline.call_batches.redials.records import RedialResult
from calling_pipeline.call_batches.results import store as result_store
from calling_pipeline.call_batches.results import views as result_views
from calling_pipeline.call_batches.results.records import Result
from calling_pipeline.call_batches.rows import store as row_store
from calling_pipeline.call_batches.rows import views as row_views
from calling_pipeline.errors import InvalidInput

router = APIRouter(prefix="/api/v1/calls", tags=["call batches"])
Viewer = Annotated[Caller, Depends(requires("viewer", "batches"))]
Operator = Annotated[Caller, Depends(requires("operator", "batches"))]

Document = dict[str, Any]
"""A task, card or batch as `editing.document` and `views` describe it."""


class Redial(BaseModel):
    """A redial rule: it loosens the recall window for numbers whose last call, by this task, ended so."""

    model_config = ConfigDict(extra="forbid")

    result: RedialResult
    after_hours: Real = Field(description="hours since the last contact", examples=[4])
    at_most: Whole = Field(description="redials of one number by this task; its first call is none", examples=[3])
    below_s: Whole | None = Field(None, description="of short_talk alone: a talk of fewer seconds is one")


class TaskChanges(BaseModel):
    """Values of a calling task; what is left out stays, or takes its default."""

    model_config = ConfigDict(extra="forbid")

    cron: str | None = Field(None, description="5 fields, or 6 with seconds first; `?` allowed", examples=["0 0 9 * * ?"])
    source_schema: str | None = Field(None, max_length=63)
    source_table: str | None = Field(None, max_length=63)
    mobile_phone: str | None = Field(None, max_length=63, description="column, as are the next five")
    staff_name: str | None = Field(None, max_length=63)
    sys_name: str | None = Field(None, max_length=63)
    order_type: str | None = Field(None, max_length=63)
    order_nums: str | None = Field(None, max_length=63)
    row_key: str | None = Field(None, max_length=63, description="column with the source's own key, kept with each row")
    enabled: bool | None = None
    remark: Text | None = Field(None, max_length=2000)
    recall_days: Whole | None = Field(None, ge=0, description="null: never call a number again")
    refused_days: Whole | None = Field(None, ge=0, description="null: as CALLING_REFUSED_DAYS says")
    expires_after: str | None = Field(
        None, max_length=10, description="span from planning on, after which nobody is called", examples=["8h", "3d"]
    )
    rate_per_s: Real | None = Field(None, gt=0, description="beneath the gateway account's rate")
    policy: dict[str, Any] | None = None
    redial: list[Redial] | None = Field(None, max_length=10, description="after which results a number is called again")
    land_lines: bool | None = Field(None, description="whether land lines are called too")
    best_time: dict[str, Any] | None = Field(
        None,
        description="order calls by hour; null: off",
        examples=[{"goal": "connected", "explore": 0.2}],
    )


class NewTask(TaskChanges):
    """A calling task to add."""

    name: Text = Field(max_length=60)


class Why(BaseModel):
    """Why a person does it; kept in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: Text = Field("", max_length=500)


class RunNow(BaseModel):
    """Whether people are to be called, and how many the pre-flight card showed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(True, description="true: plan and call nothing, show the pre-flight card")
    to_call: Whole | None = Field(None, ge=0, description="what the card showed; needed for a run that calls")
    reason: Text = Field("", max_length=500)


class Settlement(BaseModel):
    """What became of unknown calls: all of the batch, or those with these ids."""

    model_config = ConfigDict(extra="forbid")

    settle_as: Literal["pushed", "retry"]
    call_ids: list[Id] | None = None
    note: Text = Field("", max_length=500)


class Question(BaseModel):
    """A number, in a body so that no log of addresses holds it."""

    model_config = ConfigDict(extra="forbid")

    phone: Text = Field(max_length=64)


class Requeue(BaseModel):
    """Which refused calls are to be made again, and what was mended."""

    model_config = ConfigDict(extra="forbid")

    code: Text | None = Field(None, max_length=40, description="the gateway's code; null: all refusals of our account")
    reason: Text = Field(max_length=500)


class Acceptance(BaseModel):
    """Calls that came too often, and what a person found."""

    model_config = ConfigDict(extra="forbid")

    call_ids: list[Id]
    reason: Text = Field(max_length=500)


@router.get("/tasks")
def list_tasks(runtime: RuntimeDep, caller: Viewer) -> Success[list[Document]]:
    """Every calling task with its next five ticks."""
    with runtime.transaction() as connection:
        return ok([editing.document(task) for task in task_store.all_tasks(connection)])


@router.post("/tasks", status_code=201)
def add_task(runtime: RuntimeDep, wanted: NewTask, caller: Operator) -> Success[Document]:
    """Add a calling task; its source is checked against the database's catalogue."""
    with runtime.transaction() as connection:
        added = editing.add(connection, _given(wanted), plan_rules(runtime.settings), by=caller.name)
        return ok(editing.document(added))


@router.get("/tasks/{name}")
def show_task(runtime: RuntimeDep, name: Text, caller: Viewer) -> Success[Document]:
    """One calling task and its next five ticks."""
    with runtime.transaction() as connection:
        return ok(editing.document(task_store.by_name(connection, name)))


@router.patch("/tasks/{name}")
def edit_task(runtime: RuntimeDep, name: Text, changes: TaskChanges, caller: Operator) -> Success[Document]:
    """Change a calling task. It fires nothing: a changed cron counts from now."""
    with runtime.transaction() as connection:
        edited = editing.edit(connection, name, _given(changes), plan_rules(runtime.settings), by=caller.name)
        return ok(editing.document(edited))


@router.delete("/tasks/{name}")
def remove_task(runtime: RuntimeDep, name: Text, caller: Operator) -> Success[Document]:
    """Delete a calling task that never had a batch."""
    with runtime.transaction() as connection:
        editing.remove(connection, name, by=caller.name)
    return ok({"removed": name})


@router.get("/tasks/{name}/preview")
def preview_task(runtime: RuntimeDep, name: Text, caller: Operator) -> Success[Document]:
    """The pre-flight card of the task as it would be planned now, and why no batch may start (`refusal`). Writes nothing."""
    card = runs.preview_task(runtime.engine, name, plan_rules(runtime.settings))
    return ok({"task": name, **views.card_document(card), "refusal": gateway_refusal(runtime.settings)})


@router.get("/batches")
def list_batches(
    runtime: RuntimeDep,
    caller: Viewer,
    task: Text | None = None,
    day: Day | None = None,
    state: BatchState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Success[list[Document]]:
    """Batches, newest first."""
    with runtime.transaction() as connection:
        found = batch_store.latest_batches(connection, task=task, day=day, state=state, limit=limit)
    return ok([views.batch_line(batch) for batch in found])


@router.get("/batches/{batch_id}")
def show_batch(runtime: RuntimeDep, batch_id: PathId, caller: Viewer) -> Success[Document]:
    """One batch: its card reconciled, what became of its pushed calls (`results`), and its unknown calls, masked."""
    with runtime.transaction() as connection:
        return ok(views.batch_document(connection, batch_id))


@router.get("/batches/{batch_id}/calls")
def list_rows(
    runtime: RuntimeDep,
    batch_id: PathId,
    caller: Viewer,
    state: CallState | None = None,
    reason: Annotated[Text | None, Query(max_length=200)] = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="rows behind this source row")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Success[list[Document]]:
    """The rows of a batch with what became of them, numbers masked; the next page begins behind the last `source_row`."""
    with runtime.transaction() as connection:
        batch_store.batch(connection, batch_id)
        found = row_store.of_batch(connection, batch_id, state=state, reason=reason, after=after, limit=limit)
    return ok([row_views.row_document(row) for row in found])


@router.get("/batches/{batch_id}/results")
def list_results(
    runtime: RuntimeDep,
    batch_id: PathId,
    caller: Viewer,
    result: Result | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Success[list[Document]]:
    """What became of the pushed calls of a batch, by the source's own key (`row_key`) and its row, numbers masked.

    A call without a call record yet is `waiting`.
    """
    with runtime.transaction() as connection:
        batch_store.batch(connection, batch_id)
        found = result_store.of_batch(connection, batch_id, result=result, limit=limit, offset=offset)
    return ok([result_views.result_document(row) for row in found])


@router.post("/why")
def why(runtime: RuntimeDep, wanted: Question, caller: Viewer) -> Success[Document]:
    """Why a number was called or not: its rows in every batch, its calls, its last refusal, and may it be called now.

    `timeline` holds what every room knows of it, the newest first; rooms that the caller may not enter are left out.
    """
    with runtime.transaction() as connection:
        found = number_history(connection, runtime.phone_keys, wanted.phone, Sight.of(caller), archives=archives_of(runtime))
        return ok(found)


@router.post("/tasks/{name}/run")
def run_task(patient: PatientRuntimeDep, name: Text, wanted: RunNow, caller: Operator) -> Success[Document]:
    """Run a calling task now. With `dry_run`, the default, its pre-flight card; else a batch that the sensor pushes.

    `to_call` is what the card showed: when another number would be called by then, 409, and nothing is planned.
    """
    rules, refusal = plan_rules(patient.settings), gateway_refusal(patient.settings)
    if wanted.dry_run:
        card = runs.preview_task(patient.engine, name, rules)
        return ok({"task": name, **views.card_document(card), "refusal": refusal, "dry_run": True})
    if wanted.to_call is None:
        raise InvalidInput("a run that calls people needs to_call, the number that the dry run showed", field="to_call")
    batch = runs.start_task(
        patient.engine, name, rules, to_call=wanted.to_call, refusal=refusal, by=caller.name, reason=wanted.reason
    )
    return ok({**views.batch_line(batch), "dry_run": False})


@router.post("/batches/{batch_id}/pause")
def pause_batch(runtime: RuntimeDep, batch_id: PathId, caller: Operator, why: Why | None = None) -> Success[Document]:
    """Send nothing more; what is on its way is still recorded."""
    with runtime.transaction() as connection:
        return ok(views.batch_line(lifecycle.pause(connection, batch_id, by=caller.name, reason=_reason(why))))


@router.post("/batches/{batch_id}/resume")
def resume_batch(runtime: RuntimeDep, batch_id: PathId, caller: Operator, why: Why | None = None) -> Success[Document]:
    """Let a paused or waiting batch go on."""
    with runtime.transaction() as connection:
        return ok(views.batch_line(lifecycle.resume(connection, batch_id, by=caller.name, reason=_reason(why))))


@router.post("/batches/{batch_id}/cancel")
def cancel_batch(runtime: RuntimeDep, batch_id: PathId, caller: Operator, why: Why | None = None) -> Success[Document]:
    """Skip everything not yet sent."""
    with runtime.transaction() as connection:
        lifecycle.cancel(connection, batch_id, by=caller.name, reason=_reason(why))
    lifecycle.recover(runtime.engine, by=caller.name)
    with runtime.transaction() as connection:
        return ok(views.batch_document(connection, batch_id))


@router.post("/batches/{batch_id}/settle")
def settle_calls(runtime: RuntimeDep, batch_id: PathId, wanted: Settlement, caller: Operator) -> Success[Document]:
    """Say what became of calls whose outcome is unknown."""
    with runtime.transaction() as connection:
        done = lifecycle.settle(
            connection,
            settlement_of(wanted.settle_as),
            batch_id=batch_id,
            ids=wanted.call_ids,
            by=caller.name,
            note=wanted.note,
        )
    return ok({"settled": done.calls, "batches": done.batches})


@router.post("/batches/{batch_id}/requeue")
def requeue_calls(runtime: RuntimeDep, batch_id: PathId, wanted: Requeue, caller: Operator) -> Success[Document]:
    """Have calls made again for which our account was refused, not the number. A paused batch goes on when it is resumed."""
    with runtime.transaction() as connection:
        calls = lifecycle.requeue(connection, batch_id, code=wanted.code, reason=wanted.reason, by=caller.name)
        return ok({"requeued": calls, **views.batch_line(batch_store.batch(connection, batch_id))})


@router.post("/accept")
def accept_calls(runtime: RuntimeDep, wanted: Acceptance, caller: Operator) -> Success[Document]:
    """Say that a person looked into calls that came too often: batches start again."""
    with runtime.transaction() as connection:
        return ok({"accepted": starting.accept(connection, wanted.call_ids, reason=wanted.reason, by=caller.name)})


def _reason(why: Why | None) -> str:
    return why.reason if why is not None else ""


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
