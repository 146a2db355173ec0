"""What an operator does to a batch: pause, resume, cancel, requeue, and accept calls that came too often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId, Text
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.pushing import starting
from calling_pipeline.call_batches.quality import Breach
from calling_pipeline.console.pages.batches.gathering import cards
from calling_pipeline.console.views import View, viewing
from calling_pipeline.masking import mask_phone

router = APIRouter()
Operator = Annotated[View, Depends(viewing("operator", "batches"))]
Reason = Annotated[Text, Form(max_length=500)]
LOOKED_S = 30.0
"""So often the calls of two days are searched for those that came too often."""
Verb = Literal["pause", "resume", "cancel"]
DANGEROUS: Mapping[Verb, bool] = {"pause": False, "resume": False, "cancel": True}


@router.get("/batches/accept")
def ask_accept(view: Operator) -> Response:
    """The calls that came too often and wait for a person; no batch starts before."""

    def read() -> tuple[Breach, ...]:  # of two days' calls
        with view.transaction() as connection:
            return starting.to_decide(connection)

    return view.page("batches/accept.html", found=view.shared("calls that came too often", LOOKED_S, read))


@router.post("/batches/accept")
def accept(view: Operator, call: Annotated[list[int], Form(default_factory=list)], reason: Reason = "") -> Response:
    """Say that a person looked into calls that came too often."""
    with view.transaction() as connection:
        accepted = starting.accept(connection, call, reason=reason, by=view.caller.name)
    return view.done("batches.done_accept", back="/batches/accept", calls=accepted)


@router.get("/batches/{batch_id}/pause")
def ask_pause(view: Operator, batch_id: PathId) -> Response:
    """What pausing would touch."""
    return _ask(view, batch_id, "pause")


@router.post("/batches/{batch_id}/pause")
def pause(view: Operator, batch_id: PathId, reason: Reason = "") -> Response:
    """Send nothing more of a batch; what is on its way is still recorded."""
    with view.transaction() as connection:
        lifecycle.pause(connection, batch_id, by=view.caller.name, reason=reason)
    return view.done("batches.done_pause", back=f"/batches/{batch_id}", batch=batch_id)


@router.get("/batches/{batch_id}/resume")
def ask_resume(view: Operator, batch_id: PathId) -> Response:
    """What resuming would touch."""
    return _ask(view, batch_id, "resume")


@router.post("/batches/{batch_id}/resume")
def resume(view: Operator, batch_id: PathId, reason: Reason = "") -> Response:
    """Let a batch go on: in the process that holds it, else in the next run of the sensor."""
    with view.transaction() as connection:
        lifecycle.resume(connection, batch_id, by=view.caller.name, reason=reason)
    return view.done("batches.done_resume", back=f"/batches/{batch_id}", batch=batch_id)


@router.get("/batches/{batch_id}/cancel")
def ask_cancel(view: Operator, batch_id: PathId) -> Response:
    """What cancelling would touch."""
    return _ask(view, batch_id, "cancel")


@router.post("/batches/{batch_id}/cancel")
def cancel(view: Operator, batch_id: PathId, reason: Annotated[Text, Form(min_length=1, max_length=500)]) -> Response:
    """End a batch: everything not yet sent is skipped."""
    with view.transaction() as connection:
        lifecycle.cancel(connection, batch_id, by=view.caller.name, reason=reason)
    lifecycle.recover(view.runtime.engine, by=view.caller.name)
    return view.done("batches.done_cancel", back=f"/batches/{batch_id}", batch=batch_id)


@router.get("/batches/{batch_id}/requeue")
def ask_requeue(view: Operator, batch_id: PathId, code: Text = "") -> Response:
    """The refused calls that would be made again."""
    with view.transaction() as connection:
        batch = batch_store.batch(connection, batch_id)
        chosen = call_store.account_refusals(connection, batch_id, code or None)
        codes = call_store.refusal_codes(connection, batch_id)
    return view.page("batches/requeue.html", batch=batch, calls=len(chosen), codes=codes, code=code)


@router.post("/batches/{batch_id}/requeue")
def requeue(
    view: Operator, batch_id: PathId, code: Annotated[Text, Form(max_length=40)] = "", reason: Reason = ""
) -> Response:
    """Have refused calls made again, after a person mended what the gateway refused."""
    with view.transaction() as connection:
        calls = lifecycle.requeue(connection, batch_id, code=code or None, reason=reason, by=view.caller.name)
    return view.done("batches.done_requeue", back=f"/batches/{batch_id}", batch=batch_id, calls=calls)


def _ask(view: View, batch_id: int, verb: Verb) -> Response:
    """The page of an act: the calls it touches by state, and some of their numbers, masked."""
    with view.transaction() as connection:
        batch = batch_store.batch(connection, batch_id)
        (card,) = cards(view, connection, [batch])
        samples: Sequence[Any] = row_store.samples(connection, batch_id, "pending")
    masked = [mask_phone(phone) for phone in samples]
    return view.page("batches/act.html", batch=batch, card=card, verb=verb, samples=masked, danger=DANGEROUS[verb])
