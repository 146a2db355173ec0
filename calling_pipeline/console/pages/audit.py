"""`/audit`: who did what, through which door, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.access.audit import store
from calling_pipeline.access.audit.records import Entry
from calling_pipeline.access.audit.views import changes, span
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["audit"])
Operator = Annotated[View, Depends(viewing("operator", "audit"))]
COLUMNS: Sequence[Column[Entry]] = (
    Column("at", lambda entry: entry.at),
    Column("person", lambda entry: entry.person),
    Column("door", lambda entry: entry.door, wide=True),
    Column("act", lambda entry: entry.act),
    Column("subject", lambda entry: entry.subject),
    Column("reason", lambda entry: entry.reason or None),
    Column("changes", changes, wide=True),
)


@router.get("/audit")
def audit(view: Operator) -> Response:
    """The audit log, newest first. `person`, `act` and `subject` may end in `*`; `from` and `to` are days."""
    wanted = asked(view.request)
    given = wanted.filters
    since, until = span(given.get("from"), given.get("to"), names=("from", "to"))

    def read(limit: int, offset: int) -> tuple[Sequence[Entry], int]:
        with view.transaction() as connection:
            return store.entries(
                connection,
                subject=given.get("subject"),
                person=given.get("person"),
                act=given.get("act"),
                tenant_id=view.caller.tenant,
                since=since,
                until=until,
                limit=limit,
                offset=offset,
            )

    found = listing(view, "audit", "audit", wanted, COLUMNS, read)
    return found if isinstance(found, Response) else view.page("audit/audit.html", entries=found)
