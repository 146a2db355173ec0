"""`/notifications`: contracts' messages and ledgers as they stand, what is held; `/notifications/technicians` beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.pages.notifications.parts import HOME, Box, Viewer, advice_of
from calling_pipeline.console.views import View
from calling_pipeline.notifications import views
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.runs import FEATURE
from calling_pipeline.notifications.outbox.records import MESSAGE_STATES, Figures
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.notifications.overview import Cause, LedgerState, causes, ledger_states
from calling_pipeline.task_ledger import store as task_ledger
from calling_pipeline.task_ledger.records import Task

router = APIRouter(tags=["notifications"])
LIVE_S, FIGURES_S = 5, 300
_RUNS = 6


@dataclass(frozen=True)
class BoxFacts:
    """One outbox as it stands. `counts` has every state; `ledgers` and `runs` belong to contracts alone."""

    box: Box
    at: dt.datetime
    counts: Mapping[str, int]
    next_due_at: dt.datetime | None
    causes: Sequence[Cause]
    figures: Figures
    ledgers: Sequence[LedgerState]
    questions: int
    runs: Sequence[Task]

    @property
    def held(self) -> int:
        """Messages that wait for a person."""
        return self.counts["unknown"] + self.counts["dead"]


@router.get("/notifications")
def contracts(view: Viewer) -> Response:
    """Contracts' messages by state, ledgers with their rows by state, held messages by cause, the last runs."""
    return _whole(view, "contracts")


@router.get("/notifications/live")
def contracts_live(view: Viewer) -> Response:
    """The part of the page that refreshes itself."""
    return view.page("notifications/live.html", facts=_facts(view, "contracts"), home=HOME["contracts"], advice_of=advice_of)


@router.get("/notifications/technicians")
def technicians(view: Viewer) -> Response:
    """Technicians' messages by state and held ones by cause."""
    return _whole(view, "technicians")


@router.get("/notifications/technicians/live")
def technicians_live(view: Viewer) -> Response:
    """The part of the page that refreshes itself."""
    return view.page(
        "notifications/live.html", facts=_facts(view, "technicians"), home=HOME["technicians"], advice_of=advice_of
    )


def _whole(view: View, box: Box) -> Response:
    return view.page("notifications/overview.html", facts=_facts(view, box), home=HOME[box], advice_of=advice_of)


def _facts(view: View, box: Box) -> BoxFacts:
    return view.shared(("notifications", box), LIVE_S, lambda: _gathered(view, box))


def _gathered(view: View, box: Box) -> BoxFacts:
    outbox, of_contracts = OUTBOXES[box], box == "contracts"
    with view.transaction() as connection:
        figures = view.shared(("notifications.figures", box), FIGURES_S, lambda: views.figures(connection, box))
        counted = outbox.counts(connection)
        configured = view.runtime.settings.contract_ledgers
        return BoxFacts(
            box=box,
            at=days.now(),
            counts={state: counted.get(state, 0) for state in MESSAGE_STATES},
            next_due_at=outbox.next_due(connection),
            causes=causes(connection, outbox),
            figures=figures,
            ledgers=ledger_states(connection, configured) if of_contracts else (),
            questions=len(rows.questions(connection)) if of_contracts else 0,
            runs=task_ledger.tasks(connection, feature=FEATURE, state=None, limit=_RUNS) if of_contracts else (),
        )
