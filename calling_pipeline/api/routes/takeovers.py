"""Takeovers of old systems over HTTP, to read: what was taken, what was not and why, contradictions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import LARGEST_ID, Limit, RuntimeDep
from calling_pipeline.api.envelope import Success, ok
from calling_pipeline.takeover import store
from calling_pipeline.takeover.views import shown

router = APIRouter(prefix="/api/v1/takeovers", tags=["takeover"])
Operator = Annotated[Caller, Depends(requires("operator", "status"))]
TakeoverId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@router.get("")
def list_takeovers(runtime: RuntimeDep, caller: Operator, limit: Limit = 100) -> Success[dict[str, Any]]:
    """Takeovers, the newest first, and whether shadow mode is on. They are begun on the command line."""
    with runtime.transaction() as connection:
        found = store.latest(connection, limit=limit)
    return ok({"shadow": runtime.settings.shadow, "takeovers": [shown(one) for one in found]})


@router.get("/{takeover_id}")
def one_takeover(runtime: RuntimeDep, caller: Operator, takeover_id: TakeoverId) -> Success[dict[str, Any]]:
    """One takeover: rows read = taken + already there + each reason, part by part, and contradictions, masked."""
    with runtime.transaction() as connection:
        return ok(shown(store.find(connection, takeover_id)))
