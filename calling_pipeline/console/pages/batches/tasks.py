"""`/batches/tasks`: the calling tasks; adding and editing one with a preview of what it would read and call."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_RESULTS
from calling_pipeline.call_batches.dependencies import plan_rules
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.console.pages.batches import best_time_form
from calling_pipeline.console.pages.batches.drafts import POLICIES, TEXTS, Draft, drafted, typed_of, values_of
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import CallingError
from calling_pipeline.masking import mask_digits
from calling_pipeline.runtime import Runtime

router = APIRouter()
Viewer = Annotated[View, Depends(viewing("viewer", "batches"))]
Operator = Annotated[View, Depends(viewing("operator", "batches"))]
EXAMPLE = {"cron": "0 0 9 * * ?", "preset": "carrier", best_time_form.EXPLORE: "20"}


async def _typed(request: Request) -> dict[str, str]:
    """The form as texts; what is no field of it is left out."""
    form = await request.form()
    return {name: value.replace("\x00", "") for name in TEXTS if isinstance(value := form.get(name, ""), str)}


Typed = Annotated[dict[str, str], Depends(_typed)]
Enabled = Annotated[bool, Form()]


@router.get("/batches/tasks")
def tasks(view: Viewer) -> Response:
    """Every calling task and when it runs next."""
    with view.transaction() as connection:
        found = [(task, editing.document(task)) for task in task_store.all_tasks(connection)]
    return view.page("batches/tasks.html", tasks=found)


@router.get("/batches/tasks/new")
def new(view: Operator) -> Response:
    """The form of a new calling task."""
    return _form(view, EXAMPLE, enabled=False)


@router.post("/batches/tasks/draft")
def draft(
    view: Operator,
    request: Request,
    typed: Typed,
    enabled: Enabled = False,
    task_id: Annotated[int, Form()] = 0,
    with_card: Annotated[bool, Form()] = False,
) -> Response:
    """The form again, with what it would read and, when asked for, whom it would call. Saves nothing."""
    return _form(view, typed, enabled=enabled, task_id=task_id, with_card=with_card)


@router.post("/batches/tasks/new")
def add(view: Operator, typed: Typed, enabled: Enabled = False) -> Response:
    """Save a new calling task."""
    values = values_of(typed, enabled=enabled)
    with view.transaction() as connection:
        added = editing.add(connection, values, plan_rules(view.runtime.settings), by=view.caller.name)
    return view.done("batches.done_task_added", back=f"/batches/tasks/{added.id}", name=added.name)


@router.get("/batches/tasks/{task_id}")
def show(view: Viewer, task_id: PathId) -> Response:
    """One calling task: its form for who may edit it."""
    with view.transaction() as connection:
        task = task_store.by_id(connection, task_id)
    return _form(view, typed_of(task), enabled=task.enabled, task_id=task_id)


@router.post("/batches/tasks/{task_id}")
def edit(view: Operator, task_id: PathId, typed: Typed, enabled: Enabled = False) -> Response:
    """Change a calling task. It fires nothing: a changed cron counts from now."""
    values = values_of(typed, enabled=enabled)
    with view.transaction() as connection:
        name = task_store.by_id(connection, task_id).name
        edited = editing.edit(connection, name, values, plan_rules(view.runtime.settings), by=view.caller.name)
    return view.done("batches.done_task_edited", back=f"/batches/tasks/{task_id}", name=edited.name)


@router.post("/batches/tasks/{task_id}/switch")
def switch(view: Operator, task_id: PathId, on: Annotated[bool, Form()]) -> Response:
    """Switch a calling task on or off; ticks count from now, batches under way go on."""
    with view.transaction() as connection:
        task = task_store.by_id(connection, task_id)
        rules = plan_rules(view.runtime.settings)
        editing.edit(connection, task.name, {"enabled": on}, rules, by=view.caller.name)
    return view.done("batches.done_task_on" if on else "batches.done_task_off", back="/batches/tasks", name=task.name)


@router.get("/batches/tasks/{task_id}/delete")
def ask_delete(view: Operator, task_id: PathId) -> Response:
    """What deleting a calling task means."""
    with view.transaction() as connection:
        task = task_store.by_id(connection, task_id)
        batches = batch_store.count_of_task(connection, task_id)
    return view.page("batches/task_delete.html", task=task, batches=batches)


@router.post("/batches/tasks/{task_id}/delete")
def delete(view: Operator, task_id: PathId) -> Response:
    """Delete a calling task that never had a batch."""
    with view.transaction() as connection:
        task = task_store.by_id(connection, task_id)
        editing.remove(connection, task.name, by=view.caller.name)
    return view.done("batches.done_task_deleted", back="/batches/tasks", name=task.name)


def _form(view: View, typed: Any, *, enabled: bool, task_id: int = 0, with_card: bool = False) -> Response:
    rules = plan_rules(view.runtime.settings)
    with view.transaction() as connection:
        saved = task_store.by_id(connection, task_id) if task_id else None
        made = drafted(connection, typed, rules, enabled=enabled)
        best_time = best_time_form.shown(connection, saved)
    if with_card:
        made = _with_card(view, made, task_id)
    return view.page(
        "batches/task.html",
        draft=made,
        task=saved,
        redial_results=REDIAL_RESULTS,
        best_time=best_time,
        best_time_goals=[("", view.t("batches.best_time_none"))]
        + [(goal, view.t(f"batches.best_time_{goal}")) for goal in best_time.goals],
        policy_choices=[(name, view.t(f"batches.preset_{name}")) for name in POLICIES],
        may_edit=view.may("operator", "batches"),
    )


def _with_card(view: View, made: Draft, task_id: int) -> Draft:
    """The pre-flight card of what was typed, or why there is none."""
    patient: Runtime = view.request.app.state.patient_runtime
    try:
        values = values_of({**made.typed, "name": made.typed.get("name") or "draft"}, enabled=made.enabled)
        task = editing.draft(values, task_id)
        return replace(made, card=runs.preview_draft(patient.engine, task, plan_rules(view.runtime.settings)))
    except CallingError as error:
        return replace(made, card_error=mask_digits(str(error)))
