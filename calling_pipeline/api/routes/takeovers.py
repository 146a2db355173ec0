"""Takeovers of old systems over HTTP, to read: what was taken, what was not and why, contradictions."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from typing_extensions import TypedDict

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import LARGEST_ID, Limit, RuntimeDep
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.takeover import store
from calling_pipeline.takeover.records import Part, PartState, State
from calling_pipeline.takeover.views import shown

router = APIRouter(prefix="/api/v1/takeovers", tags=["takeover"])
Operator = Annotated[Caller, Depends(requires("operator", "status"))]
TakeoverId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class ShownPart(TypedDict):
    """One part; `difference`: rows that are not accounted for, which is 0."""

    part: Part
    state: PartState
    rows_read: int
    taken: int
    already_there: int
    reasons: dict[str, int]
    found: dict[str, dict[str, Any]]
    begun_at: dt.datetime | None
    finished_at: dt.datetime | None
    difference: int


class ShownTakeover(TypedDict):
    """One takeover, its parts, the rows of all parts that were taken, and contradictions and notes of all parts."""

    id: int
    source: str
    dry_run: bool
    by: str
    state: State
    begun_at: dt.datetime
    finished_at: dt.datetime | None
    error: str
    parts: list[ShownPart]
    taken: int
    contradictions: int


class Takeovers(TypedDict):
    """Takeovers, and whether shadow mode is on."""

    shadow: bool
    takeovers: list[ShownTakeover]


@router.get("", response_model=Success[Described[Takeovers]])
def list_takeovers(runtime: RuntimeDep, caller: Operator, limit: Limit = 100) -> object:
    """Takeovers, the newest first, and whether shadow mode is on. They are begun on the command line."""
    with runtime.transaction() as connection:
        found = store.latest(connection, limit=limit)
    return ok({"shadow": runtime.settings.shadow, "takeovers": [shown(one) for one in found]})


@router.get("/{takeover_id}", response_model=Success[Described[ShownTakeover]])
def one_takeover(runtime: RuntimeDep, caller: Operator, takeover_id: TakeoverId) -> object:
    """One takeover: rows read = taken + already there + each reason, part by part, and contradictions, masked."""
    with runtime.transaction() as connection:
        return ok(shown(store.find(connection, takeover_id)))
