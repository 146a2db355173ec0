"""`/takeover`: what was taken over from old systems, what was not and why, and whether shadow mode is on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.api.dependencies import LARGEST_ID
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import NotFound
from calling_pipeline.takeover import store
from calling_pipeline.takeover.views import reason_said

router = APIRouter(tags=["takeover"])
Operator = Annotated[View, Depends(viewing("operator", "status"))]
SHOWN = 50


@router.get("/takeover")
def takeovers(view: Operator) -> Response:
    """The takeovers there were, the newest first."""
    with view.transaction() as connection:
        found = store.latest(connection, limit=SHOWN)
    return view.page("takeover/list.html", found=found, shadow=view.runtime.settings.shadow)


@router.get("/takeover/{takeover_id}")
def one(view: Operator, takeover_id: str) -> Response:
    """One takeover, part by part."""
    if not (takeover_id.isascii() and takeover_id.isdigit() and int(takeover_id[:19]) <= LARGEST_ID):
        raise NotFound(f"there is no takeover {takeover_id[:20]}; `calling-pipeline takeover list` shows them")
    with view.transaction() as connection:
        found = store.find(connection, int(takeover_id[:19]))
    left = [(part.part, reason_said(reason), rows) for part in found.parts for reason, rows in sorted(part.reasons.items())]
    odd = [
        (part.part, reason_said(kind), entry["count"], entry["examples"])
        for part in found.parts
        for kind, entry in sorted(part.found.items())
    ]
    return view.page("takeover/one.html", found=found, left=left, odd=odd, shadow=view.runtime.settings.shadow)
