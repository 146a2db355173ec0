"""Every analysis over HTTP: which there are, and what one finds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Room
from calling_pipeline.analysis.asking import ask, entry_of, open_to, span_of
from calling_pipeline.analysis.records import AnalysisDocument
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import RuntimeDep, Short, Tenant
from calling_pipeline.api.envelope import Success, answers, fast_ok, ok

router = APIRouter(prefix="/api/v1/analysis", tags=["analysis"])
Viewer = Annotated[Caller, Depends(requires("viewer", "session"))]
"""Each analysis belongs to a room of its own, which is asked for when it is known which it is."""
_NOT_OPTIONS = ("from", "to", "tenant_id")


class AnalysisEntry(BaseModel):
    """An analysis: its room, its options with their choices (none: free text), and the widest range that it answers for."""

    analysis: str
    room: Room
    options: dict[str, list[str]]
    longest_days: int


@router.get("")
def show_analyses(caller: Viewer) -> Success[list[AnalysisEntry]]:
    """The analyses that you may ask: room, options with their choices, and how many days they answer for at most."""
    return ok(
        [
            AnalysisEntry(
                analysis=entry.name,
                room=entry.room,
                options={name: list(entry.choices.get(name, ())) for name in entry.options},
                longest_days=entry.longest_days,
            )
            for entry in open_to(caller)
        ]
    )


@router.get("/{name}", responses=answers(AnalysisDocument))
def show_analysis(
    request: Request,
    runtime: RuntimeDep,
    caller: Viewer,
    name: Short,
    first: Annotated[Short, Query(alias="from", description="first day, YYYY-MM-DD, today or yesterday")] = "",
    last: Annotated[Short, Query(alias="to", description="last day, included; today without it")] = "",
    tenant_id: Tenant = None,
) -> Response:
    """What an analysis finds over a range, without `from` over 31 days: figures, tables and notes.

    Further parameters are options of the analysis (`by=week`). A figure has `before`, the same of as many days before, and
    `low` and `high`, its 95 % interval, where there are such. `total_rows` is larger than the rows of a table that is cut.
    """
    entry = entry_of(name, caller)
    settings = runtime.settings
    with runtime.transaction() as connection:
        found = ask(
            connection,
            entry,
            span_of(connection, entry, first, last, oldest=settings.partition_start),
            caller=caller,
            tenant_id=tenant_id,
            options={key: value for key, value in request.query_params.items() if key not in _NOT_OPTIONS},
            agent_names=settings.agent_names,
        )
    return fast_ok(found.document)
