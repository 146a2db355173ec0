"""`/`: the first look of the day, the same as `calling-pipeline status`; it also leads whoever may not see it onwards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from calling_pipeline.analysis.status.gathering import status as gather
from calling_pipeline.analysis.status.records import Status
from calling_pipeline.console.menu import entries_for
from calling_pipeline.console.pages.today.shown import first_look
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["today"])
Anybody = Annotated[View, Depends(viewing("viewer", "session", own=True))]
Viewer = Annotated[View, Depends(viewing("viewer", "status"))]
FRESH_S = 10.0


@router.get("/")
def today(view: Anybody) -> Response:
    """The first look of the day; who may not see it is led to the first page of their menu."""
    if not view.may("viewer", "status"):
        own = entries_for(view.caller)
        return RedirectResponse(own[0].path, status_code=303) if own else view.page("today/nothing.html")
    return _shown(view, "today/today.html")


@router.get("/today/live")
def live(view: Viewer) -> Response:
    """The part of the page that refreshes itself."""
    return _shown(view, "today/live.html")


def _shown(view: View, template: str) -> Response:
    found = _status(view)
    return view.page(template, look=first_look(found), now=found.at)


def _status(view: View) -> Status:
    tenant = view.caller.tenant
    return view.shared(("status", tenant), FRESH_S, lambda: gather(view.runtime, tenant=tenant))
