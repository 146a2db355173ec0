"""Call batches over HTTP. A batch that is resumed here is pushed by the sensor `calling_tasks`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from calling_pipeline.access.caller import Caller
from calling_pipeline.analysis.number_history.gathering import NumberHistory, Sight, number_history
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Day, PathId, RuntimeDep, Text
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.api.routes.call_batches.bodies import (
    Acceptance,
    Accepted,
    Question,
    Requeue,
    Requeued,
    Settled,
    Settlement,
    Why,
)
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.call_batches.batches import lifecycle, views
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.results import views as result_views
from calling_pipeline.call_batches.calls.results.records import Result
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.calls.rows import views as row_views
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.call_batches.pushing import starting
from calling_pipeline.call_batches.records import BatchState, CallState

router = APIRouter(prefix="/api/v1/calls", tags=["call batches"])
Viewer = Annotated[Caller, Depends(requires("viewer", "batches"))]
Operator = Annotated[Caller, Depends(requires("operator", "batches"))]


@router.get("/batches")
def list_batches(
    runtime: RuntimeDep,
    caller: Viewer,
    task: Text | None = None,
    day: Day | None = None,
    state: BatchState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Success[list[Described[views.BatchLine]]]:
    """Batches, newest first."""
    with runtime.transaction() as connection:
        found = batch_store.latest_batches(connection, task=task, day=day, state=state, limit=limit)
    return ok([views.batch_line(batch) for batch in found])


@router.get("/batches/{batch_id}")
def show_batch(runtime: RuntimeDep, batch_id: PathId, caller: Viewer) -> Success[Described[views.BatchDocument]]:
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
) -> Success[list[Described[row_views.RowDocument]]]:
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
) -> Success[list[Described[result_views.ResultDocument]]]:
    """What became of the pushed calls of a batch, by the source's own key (`row_key`) and its row, numbers masked.

    A call without a call record yet is `waiting`.
    """
    with runtime.transaction() as connection:
        batch_store.batch(connection, batch_id)
        found = result_store.of_batch(connection, batch_id, result=result, limit=limit, offset=offset)
    return ok([result_views.result_document(row) for row in found])


@router.post("/why")
def why(runtime: RuntimeDep, wanted: Question, caller: Viewer) -> Success[Described[NumberHistory]]:
    """Why a number was called or not: its rows in every batch, its calls, its last refusal, and may it be called now.

    `timeline` holds what every room knows of it, the newest first; rooms that the caller may not enter are left out.
    """
    with runtime.transaction() as connection:
        found = number_history(connection, runtime.phone_keys, wanted.phone, Sight.of(caller), archives=archives_of(runtime))
        return ok(found)


@router.post("/batches/{batch_id}/pause")
def pause_batch(
    runtime: RuntimeDep, batch_id: PathId, caller: Operator, why: Why | None = None
) -> Success[Described[views.BatchLine]]:
    """Send nothing more; what is on its way is still recorded."""
    with runtime.transaction() as connection:
        return ok(views.batch_line(lifecycle.pause(connection, batch_id, by=caller.name, reason=_reason(why))))


@router.post("/batches/{batch_id}/resume")
def resume_batch(
    runtime: RuntimeDep, batch_id: PathId, caller: Operator, why: Why | None = None
) -> Success[Described[views.BatchLine]]:
    """Let a paused or waiting batch go on."""
    with runtime.transaction() as connection:
        return ok(views.batch_line(lifecycle.resume(connection, batch_id, by=caller.name, reason=_reason(why))))


@router.post("/batches/{batch_id}/cancel")
def cancel_batch(
    runtime: RuntimeDep, batch_id: PathId, caller: Operator, why: Why | None = None
) -> Success[Described[views.BatchDocument]]:
    """Skip everything not yet sent."""
    with runtime.transaction() as connection:
        lifecycle.cancel(connection, batch_id, by=caller.name, reason=_reason(why))
    lifecycle.recover(runtime.engine, by=caller.name)
    with runtime.transaction() as connection:
        return ok(views.batch_document(connection, batch_id))


@router.post("/batches/{batch_id}/settle")
def settle_calls(runtime: RuntimeDep, batch_id: PathId, wanted: Settlement, caller: Operator) -> Success[Settled]:
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
    return ok(Settled(settled=done.calls, batches=list(done.batches)))


@router.post("/batches/{batch_id}/requeue")
def requeue_calls(runtime: RuntimeDep, batch_id: PathId, wanted: Requeue, caller: Operator) -> Success[Described[Requeued]]:
    """Have calls made again for which our account was refused, not the number. A paused batch goes on when it is resumed."""
    with runtime.transaction() as connection:
        calls = lifecycle.requeue(connection, batch_id, code=wanted.code, reason=wanted.reason, by=caller.name)
        shown: Requeued = {"requeued": calls, **views.batch_line(batch_store.batch(connection, batch_id))}
        return ok(shown)


@router.post("/accept")
def accept_calls(runtime: RuntimeDep, wanted: Acceptance, caller: Operator) -> Success[Accepted]:
    """Say that a person looked into calls that came too often: batches start again."""
    with runtime.transaction() as connection:
        return ok(Accepted(accepted=starting.accept(connection, wanted.call_ids, reason=wanted.reason, by=caller.name)))


def _reason(why: Why | None) -> str:
    return why.reason if why is not None else ""
