"""Run a calling task now: first the pre-flight card, and with the number it shows the batch itself.

The batch is planned and committed here; the sensor `calling_tasks` pushes it, so that a page that is closed or a server that
ends changes nothing.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId, Text
from calling_pipeline.call_batches.batches import views as batch_views
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.dependencies import gateway_refusal, plan_rules
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.console.views import View, viewing
from calling_pipeline.runtime import Runtime

router = APIRouter()
Operator = Annotated[View, Depends(viewing("operator", "batches"))]


@router.get("/batches/tasks/{task_id}/run")
def preview(view: Operator, task_id: PathId, counted: bool = False) -> Response:
    """The dry run: who would be called now, and why the others would not. Writes nothing.

    The page is there at once and asks for the card, which reads the whole source, by itself: `counted` shows it.
    """
    with view.transaction() as connection:
        task = task_store.by_id(connection, task_id)
    card = runs.preview_task(_patient(view).engine, task.name, plan_rules(view.runtime.settings)) if counted else None
    return view.page(
        "batches/run.html",
        task=task,
        card=batch_views.card_document(card) if card is not None else None,
        refusal=gateway_refusal(view.runtime.settings),
    )


@router.post("/batches/tasks/{task_id}/run")
def run(
    view: Operator,
    task_id: PathId,
    to_call: Annotated[int, Form(ge=0)],
    reason: Annotated[Text, Form(max_length=500)] = "",
) -> Response:
    """Plan a batch of the task and hand it over, when as many would be called as the person typed."""
    with view.transaction() as connection:
        task = task_store.by_id(connection, task_id)
    batch = runs.start_task(
        _patient(view).engine,
        task.name,
        plan_rules(view.runtime.settings),
        to_call=to_call,
        refusal=gateway_refusal(view.runtime.settings),
        by=view.caller.name,
        reason=reason,
    )
    return view.done("batches.done_run", back=f"/batches/{batch.id}", batch=batch.id, calls=batch.card.to_call)


def _patient(view: View) -> Runtime:
    """A runtime whose statements may last longer: a plan reads the whole source."""
    runtime: Runtime = view.request.app.state.patient_runtime
    return runtime
