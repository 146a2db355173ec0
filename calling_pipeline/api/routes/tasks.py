"""The task ledger over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.runtime import Runtime
from calling_pipeline.task_ledger import ledger, store
from calling_pipeline.task_ledger.records import MOVES, Saved, State, TaskDetails

router = APIRouter(prefix="/api/tasks", tags=["task ledger"])


class TaskSave(BaseModel):
    """One save of a task. What is left out stays as it was."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"feature": "export", "state": "completed", "credits": 3, "free": False, "details": {}}
        },
    )

    state: State = Field(description="; ".join(f"{old} → {' | '.join(sorted(new))}" for old, new in MOVES.items()))
    feature: str = Field(
        "", max_length=ledger.LONGEST_ID, description="What the work belongs to; kept from the first save on"
    )
    credits: int | None = Field(None, ge=0, le=ledger.MOST_CREDITS, strict=True, description="Charged once, on completion")
    free: bool | None = Field(None, description="A free task is charged nothing; without it, free unless there are credits")
    details: dict[str, Any] = Field(default_factory=dict, description="Merged key by key into what is kept")
    charge_key: str | None = Field(None, description="The act that is charged once; the task itself without it")


@router.post("/{task_id:path}", responses={409: {"description": "the move is not allowed; it was refused and kept"}})
def save(task_id: str, body: TaskSave, request: Request, caller: Annotated[Caller, Depends(requires("operator"))]) -> Any:
    """Create or move one task. A repeat of `completed` changes nothing; a step back is refused with 409."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        saved = ledger.save_task_details(connection, TaskDetails(task_id=task_id, by=caller.name, **body.model_dump()))
    return _answer(saved)


@router.get("/{task_id:path}")
def show(task_id: str, request: Request, caller: Annotated[Caller, Depends(requires("viewer"))]) -> Any:
    """One task with its charge and its refusals."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        task = ledger.find(connection, task_id)
        refusals = store.refusals(connection, task_id=task.task_id)
    return {"success": True, "data": {**asdict(task), "refusals": [asdict(refusal) for refusal in refusals]}}


def _answer(saved: Saved) -> JSONResponse:
    document = jsonable_encoder(asdict(saved))
    if saved.outcome == "refused":
        sentence = f"task {saved.task_id}: {saved.reason}"
        return JSONResponse({"success": False, "error": sentence, "data": document}, status_code=409)
    return JSONResponse({"success": True, "data": document})
