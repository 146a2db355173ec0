"""The task ledger over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import RuntimeDep
from calling_pipeline.api.envelope import Success, failure, ok
from calling_pipeline.errors import InvalidInput
from calling_pipeline.runtime import Runtime
from calling_pipeline.task_ledger import ledger, store
from calling_pipeline.task_ledger.records import MOVES, Refusal, Saved, State, Task, TaskDetails

router = APIRouter(prefix="/api/tasks", tags=["task ledger"])
Viewer = Annotated[Caller, Depends(requires("viewer", "ledger"))]
Operator = Annotated[Caller, Depends(requires("operator", "ledger"))]


class TaskSave(BaseModel):
    """One save of a task. What is left out stays as it was.

    `status` and `taskId` are older names of `state` and of the id in the address: one of each pair is enough, and two that
    differ are refused.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"feature": "export", "state": "completed", "credits": 3, "free": False, "details": {}}
        },
    )

    state: State | None = Field(
        None, description="; ".join(f"{old} → {' | '.join(sorted(new))}" for old, new in MOVES.items())
    )
    status: State | None = Field(None, description="older name of `state`")
    taskId: str | int | None = Field(None, description="older name of the task's id")  # noqa: N815 - as clients write it
    feature: str = Field(
        "", max_length=ledger.LONGEST_ID, description="What the work belongs to; kept from the first save on"
    )
    credits: int | None = Field(None, ge=0, le=ledger.MOST_CREDITS, strict=True, description="Charged once, on completion")
    free: bool | None = Field(None, description="A free task is charged nothing; without it, free unless there are credits")
    details: dict[str, Any] = Field(default_factory=dict, description="Merged key by key into what is kept")
    charge_key: str | None = Field(None, description="The act that is charged once; the task itself without it")
    reason: str = Field("", max_length=ledger.LONGEST_REASON, description="Why; with it the save is kept in the audit log")
    account: str | None = Field(
        None, max_length=ledger.LONGEST_ID, description="Whose task it is, from its first save on; who saves it without one"
    )

    def details_of(self, task_id: str | int, by: str) -> TaskDetails:
        """The save as the ledger takes it. Raises `InvalidInput` when two names differ or a state is missing."""
        state = self.state or self.status
        if state is None:
            raise InvalidInput("state is missing", field="state")
        if self.status not in (None, state):
            raise InvalidInput(f"state {state} and status {self.status} differ; give one of them", field="status")
        if self.taskId is not None and ledger.text_id(self.taskId) != ledger.text_id(task_id):
            raise InvalidInput("taskId and the id in the address differ; give one of them", field="taskId")
        values = self.model_dump(exclude={"status", "taskId"})
        return TaskDetails(task_id=task_id, by=by, **values | {"state": state})


@dataclass(frozen=True)
class ShownTask(Task):
    """A task and what was refused."""

    refusals: list[Refusal]


_REFUSED: dict[int | str, dict[str, Any]] = {409: {"description": "the move is not allowed; it was refused and kept"}}


@router.post("", response_model=Success[Saved], responses=_REFUSED)
def save_named(body: TaskSave, runtime: RuntimeDep, caller: Operator) -> object:
    """Create or move the task that `taskId` names."""
    if body.taskId is None:
        raise InvalidInput("taskId is missing", field="taskId")
    return _save(body.details_of(body.taskId, caller.name), runtime, caller)


@router.post("/{task_id:path}", response_model=Success[Saved], responses=_REFUSED)
def save(task_id: str, body: TaskSave, runtime: RuntimeDep, caller: Operator) -> object:
    """Create or move one task. A repeat of `completed` changes nothing; a step back is refused with 409."""
    return _save(body.details_of(task_id, caller.name), runtime, caller)


def _save(details: TaskDetails, runtime: Runtime, caller: Caller) -> object:
    with runtime.transaction() as connection:
        saved = ledger.save_task_details(connection, details)
        if saved.charge == "charged" and caller.person_id is not None:
            after = {"credits": saved.credits, "state": saved.state}
            note_act(connection, "ledger.charge", f"task:{saved.task_id}", by=caller.name, after=after)
    if saved.outcome == "refused":
        return failure(409, f"task {saved.task_id}: {saved.reason}", data=jsonable_encoder(saved))
    return ok(saved)


@router.get("/{task_id:path}")
def show(task_id: str, runtime: RuntimeDep, caller: Viewer) -> Success[ShownTask]:
    """One task with its charge and its refusals."""
    with runtime.transaction() as connection:
        task = ledger.find(connection, task_id)
        return ok(ShownTask(**vars(task), refusals=store.refusals(connection, task_id=task.task_id)))
