"""`/stats/held`: days that the publishing gate holds, and a person's decision about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path
from fastapi.responses import Response

from calling_pipeline.api.dependencies import LARGEST_ID
from calling_pipeline.call_stats.held import decisions
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.records import HeldDay
from calling_pipeline.call_stats.refreshes.records import ordered
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import Conflict, NotFound

router = APIRouter(tags=["statistics"])
Viewer = Annotated[View, Depends(viewing("viewer", "statistics"))]
Operator = Annotated[View, Depends(viewing("operator", "statistics"))]
HeldId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Reason = Annotated[str, Form(max_length=500)]


@dataclass(frozen=True)
class Compared:
    """One number of a held day beside the published one; `key` names it in the catalogue."""

    key: str
    before: Any
    aside: Any


@router.get("/stats/held")
def held_days(view: Viewer) -> Response:
    """Days that wait for a decision; with `state=all` also those that were decided."""
    every = view.request.query_params.get("state") == "all"
    with view.transaction() as connection:
        found = held_store.held(connection, only_open=not every)
    return view.page("stats/held.html", held=[(one, compared(one)) for one in found], every=every)


@router.get("/stats/held/{held_id}/publish")
def ask_publish(view: Operator, held_id: HeldId) -> Response:
    """Asks before a held day is published in spite of the gate."""
    return _ask(view, held_id, "publish")


@router.post("/stats/held/{held_id}/publish")
def publish(view: Operator, held_id: HeldId, reason: Reason = "") -> Response:
    """Publish a held day. Refused when a newer read has been published since."""
    with view.transaction() as connection:
        done = decisions.publish(connection, held_id, by=view.caller.name, why=reason)
    return view.done("stats.held_published", back=f"/stats?date={done.date}", day=done.date)


@router.get("/stats/held/{held_id}/discard")
def ask_discard(view: Operator, held_id: HeldId) -> Response:
    """Asks before what was read for a held day is dropped."""
    return _ask(view, held_id, "discard")


@router.post("/stats/held/{held_id}/discard")
def discard(view: Operator, held_id: HeldId, reason: Reason = "") -> Response:
    """Drop what was read for a held day; the published numbers stand."""
    with view.transaction() as connection:
        done = decisions.discard(connection, held_id, by=view.caller.name, why=reason)
    return view.done("stats.held_discarded", back=f"/stats?date={done.date}", day=done.date)


def compared(held: HeldDay) -> Sequence[Compared]:
    """The numbers that the day would be published with, beside those that are published."""
    before: Mapping[str, Any] = held.numbers_before or {}
    return [Compared(name, before.get(name), value) for name, value in ordered(held.numbers).items()]


def _ask(view: View, held_id: int, act: str) -> Response:
    with view.transaction() as connection:
        found = held_store.find(connection, held_id)
    if found is None:
        raise NotFound(f"there is no held day {held_id}; `calling-pipeline stats held list` shows those there are")
    if found.state != "open":
        raise Conflict(f"held day {held_id} was {found.state} at {found.closed_at:%Y-%m-%d %H:%M}")
    return view.page("stats/decide.html", one=found, compared=compared(found), act=act)
