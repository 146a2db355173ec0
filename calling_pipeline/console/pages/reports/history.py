"""`/reports`: the newest revision of each period, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import addresses
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.views import View, viewing
from calling_pipeline.reports import documents, periods, store
from calling_pipeline.reports.records import Stored

router = APIRouter(tags=["reports"])
Viewer = Annotated[View, Depends(viewing("viewer", "reports"))]
_TONES = {"complete": "good", "partial": "warn"}


@router.get("/reports")
def history(view: Viewer) -> Response:
    """Every period that has a report, newest first; `kind` narrows them to daily, weekly or monthly ones."""
    wanted = asked(view.request)
    chosen = wanted.filters.get("kind", "")
    kind = periods.kind_of(chosen) if chosen else None

    def read(limit: int, offset: int) -> tuple[Sequence[Stored], int]:
        with view.transaction() as connection:
            return store.listed(connection, kind, limit=limit, offset=offset), store.count_periods(connection, kind)

    found = listing(view, "reports", "reports", wanted, _columns(view), read)
    if isinstance(found, Response):
        return found
    return view.page("reports/history.html", reports=found, kind=chosen)


def _columns(view: View) -> Sequence[Column[Stored]]:
    def period(one: Stored) -> Link:
        return Link(one.period.label, addresses.of_report(one.period.kind, one.period.label))

    return (
        Column("period", period),
        Column("report_kind", lambda one: documents.kind_name(one.period.kind, view.language)),
        Column("state", lambda one: State(f"reports.state_{one.state}", _TONES[one.state])),
        Column("revision", lambda one: one.revision, number=True),
        Column("records", lambda one: one.control["records"], number=True),
        Column("orders", lambda one: one.control["orders"], number=True),
        Column("control_code", lambda one: one.control_code, wide=True),
        Column("made_at", lambda one: one.made_at, wide=True),
        Column("made_by", lambda one: one.made_by, wide=True),
        Column("digest", lambda one: one.digest[:12], wide=True),
    )
