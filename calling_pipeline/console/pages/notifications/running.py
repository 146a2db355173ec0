"""What a run over ledgers would send now, the run itself, and how it goes on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

from calling_pipeline.api.dependencies import Short
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.pages.notifications.parts import Operator, Viewer, contract_address, dependencies
from calling_pipeline.console.views import View
from calling_pipeline.notifications import starting
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.task_ledger import ledger as task_ledger

router = APIRouter(tags=["notifications"])
Ledger = Annotated[Short, Query(description="path or name of a known ledger; all of them without it")]
_SHOWN = 20
_LINES = 50


@router.get("/notifications/preview")
def preview(view: Viewer, ledger: Ledger = "") -> Response:
    """Who would get which text of the ledgers now, what is parked and why. Writes and sends nothing."""
    wanted = asked(view.request)
    seen = _prospect(view, ledger)
    messages = [(one, message) for one in seen.ledgers for message in one.messages]
    first = (wanted.page - 1) * _SHOWN
    return view.page(
        "notifications/preview.html",
        seen=seen,
        ledger=ledger,
        messages=messages[first : first + _SHOWN],
        first=first,
        asked=wanted,
        parked=[(one.csv_file, line) for one in seen.ledgers for line in one.parked][:_LINES],
        contract_address=contract_address,
    )


@router.get("/notifications/run")
def ask_run(view: Operator, ledger: Ledger = "") -> Response:
    """What a run would make, send and leave, before it is begun."""
    return view.page("notifications/run.html", seen=_prospect(view, ledger), ledger=ledger)


@router.post("/notifications/run")
def run(view: Operator, expect: Annotated[int, Form(ge=0)], ledger: Annotated[Short, Form()] = "") -> Response:
    """Begin the run of the command line in this server; it goes on when the page is closed."""
    deps = dependencies(view)
    paths = starting.ledgers_of(deps, view.runtime.settings.contract_ledgers, ledger)
    task_id = starting.start(deps, paths, by=view.caller.name, expect=expect)
    return view.done("notifications.run_started", back=f"/notifications/runs/{task_id.removeprefix('notify:')}")


@router.get("/notifications/runs/{run_id}")
def show_run(view: Viewer, run_id: Annotated[Short, Path()]) -> Response:
    """How a run goes on, or what it did."""
    return _run_page(view, run_id, "notifications/running.html")


@router.get("/notifications/runs/{run_id}/live")
def run_live(view: Viewer, run_id: Annotated[Short, Path()]) -> Response:
    """The part of the page that refreshes itself."""
    return _run_page(view, run_id, "notifications/running_live.html")


def _run_page(view: View, run_id: str, template: str) -> Response:
    with view.transaction() as connection:
        task = task_ledger.find(connection, f"notify:{run_id}")
        waiting = OUTBOXES["contracts"].open_counts(connection)
        due = OUTBOXES["contracts"].next_due(connection)
    return view.page(template, task=task, run_id=run_id, waiting=waiting, next_due_at=due)


def _prospect(view: View, ledger: str) -> starting.Prospect:
    deps = dependencies(view)
    return starting.prospect(deps, starting.ledgers_of(deps, view.runtime.settings.contract_ledgers, ledger))
