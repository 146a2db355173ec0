"""`/runbooks`: what to do about each kind of alert, at length, in the reader's language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from calling_pipeline.alerts import store
from calling_pipeline.alerts.texts import KINDS
from calling_pipeline.console.markdown import heading_of, shown_as_page
from calling_pipeline.console.views import View, viewing
from calling_pipeline.days import now
from calling_pipeline.runbooks.reading import markdown_of

router = APIRouter(tags=["runbooks"])
Viewer = Annotated[View, Depends(viewing("viewer", "alerts"))]


@router.get("/runbooks")
def runbooks(view: Viewer) -> Response:
    """The runbook of every kind of alert; kinds that are open now say how many."""
    names = {kind: heading_of(markdown_of(kind, view.language)) for kind in KINDS}
    with view.transaction() as connection:
        failing = {kind: store.count_conditions(connection, since=now(), only_open=True, kind=kind) for kind in KINDS}
    return view.page("runbooks/runbooks.html", names=names, failing=failing)


@router.get("/runbooks/{kind}")
def runbook(view: Viewer, kind: str) -> Response:
    """One runbook, with what of its kind is open now."""
    text = markdown_of(kind, view.language)
    with view.transaction() as connection:
        failing = store.count_conditions(connection, since=now(), only_open=True, kind=kind)
    body = shown_as_page(text, folder="/runbooks", pages=_pages(view.request))
    return view.page("runbooks/runbook.html", kind=kind, title=heading_of(text), body=body, failing=failing)


def _pages(request: Request) -> frozenset[str]:
    """The paths of the console that are pages by themselves."""
    return frozenset(path for path, methods in request.app.state.described["paths"].items() if "get" in methods)
