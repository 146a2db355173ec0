"""Making a report by hand: its period, why, and what it would lack."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import addresses, days
from calling_pipeline.console.views import View, viewing
from calling_pipeline.reports import documents, making, periods
from calling_pipeline.reports.records import KINDS

router = APIRouter(tags=["reports"])
Operator = Annotated[View, Depends(viewing("operator", "reports"))]


@router.get("/reports/make")
def ask(view: Operator, kind: str = "daily", period: str = "") -> Response:
    """The form: which report of which period, and why."""
    chosen = periods.named(periods.kind_of(kind), period or "last", days.today())
    kinds = [(one, documents.kind_name(one, view.language)) for one in KINDS]
    return view.page("reports/make.html", kinds=kinds, kind=kind, period=chosen.label)


@router.post("/reports/make")
def make(
    view: Operator,
    kind: Annotated[str, Form(max_length=20)] = "",
    period: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Make it now, whatever it lacks; a new revision only if a number changed."""
    wanted = periods.named(periods.kind_of(kind), period.strip(), days.today())
    settings = view.runtime.settings
    with view.transaction() as connection:
        made = making.make(
            connection,
            wanted,
            by=view.caller.name,
            deadline_h=settings.report_deadline,
            agent_names=settings.agent_names,
            reason=reason,
        )
    back = addresses.of_report(wanted.kind, wanted.label)
    revision = made.stored.revision if made.stored is not None else 0
    if made.outcome == "made":
        return view.done("reports.done_made", back=back, revision=revision)
    return view.done("reports.done_unchanged", back=back, revision=revision)
