"""Settling unknown calls: the ticked ones, or all of a batch in steps that are each committed, with progress and a stop."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId, Text
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.masking import mask_phone

router = APIRouter()
Operator = Annotated[View, Depends(viewing("operator", "batches"))]
STEP = 200
"""Calls settled in one transaction: another may be stopped after it."""
SAMPLES = 3
Calls = Annotated[list[int], Query(default_factory=list)]


@router.get("/batches/{batch_id}/settle")
def ask(view: Operator, batch_id: PathId, call: Calls, which: Literal["ticked", "all"] = "ticked") -> Response:
    """How many unknown calls would be settled: the ticked ones, or all of the batch."""
    if which == "ticked" and not call:
        raise InvalidInput("tick the calls to settle, or choose all of them", field="call")
    with view.transaction() as connection:
        batch = batch_store.batch(connection, batch_id)
        chosen = call_store.unknown_ids(connection, batch_id=batch_id, ids=call if which == "ticked" else None)
        some = call_store.unknown_calls(connection, batch_id=batch_id, limit=500)
    samples = [mask_phone(one.phone) for one in some if one.id in set(chosen)][:SAMPLES]
    return view.page("batches/settle.html", batch=batch, which=which, chosen=chosen, samples=samples)


@router.post("/batches/{batch_id}/settle")
def settle(
    view: Operator,
    batch_id: PathId,
    settle_as: Annotated[Literal["pushed", "retry"], Form()],
    call: Annotated[list[int], Form(default_factory=list)],
    which: Annotated[Literal["ticked", "all"], Form()] = "ticked",
    note: Annotated[Text, Form(max_length=500)] = "",
    total: Annotated[int, Form(ge=0)] = 0,
    done: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Say what became of unknown calls. All of a batch: one step, and a page that goes on with the next.

    `total` is the number that the person was shown; the first step is refused when another number is unknown by then.
    """
    back = f"/batches/{batch_id}"
    if which == "ticked":
        settled = _settled(view, batch_id, settle_as, call, note)
        return view.done(f"batches.done_settle_{settle_as}", back=back, calls=settled)
    with view.transaction() as connection:
        unknown = call_store.unknown_ids(connection, batch_id=batch_id)
    if not done and len(unknown) != total:
        raise Conflict(f"{len(unknown)} calls are unknown now, not {total}: look again; nothing was settled")
    step = sorted(unknown)[: min(STEP, total - done)]
    done += _settled(view, batch_id, settle_as, step, note) if step else 0
    if not step or done >= total:
        return view.done(f"batches.done_settle_{settle_as}", back=back, calls=done)
    form: dict[str, Any] = {"settle_as": settle_as, "note": note, "total": total, "done": done}
    return view.page("batches/settling.html", batch_id=batch_id, form=form, done=done, total=total)


def _settled(view: View, batch_id: int, word: str, calls: list[int], note: str) -> int:
    with view.transaction() as connection:
        done = lifecycle.settle(
            connection, settlement_of(word), batch_id=batch_id, ids=calls, by=view.caller.name, note=note
        )
    return done.calls
