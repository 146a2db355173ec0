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
from calling_pipeline.console.lists.columns import Column, Link
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.subjects import address_of
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["audit"])
Operator = Annotated[View, Depends(viewing("operator", "audit"))]
COUNTED = 10_000
"""A longer log is not counted to its end."""
RAW: Sequence[Column[Entry]] = (
    Column("at", lambda entry: entry.at),
    Column("person", lambda entry: entry.person),
    Column("door", lambda entry: entry.door, wide=True),
    Column("act", lambda entry: entry.act),
    Column("subject", lambda entry: entry.subject),
    Column("reason", lambda entry: entry.reason or None),
    Column("changes", changes, wide=True),
)
"""An export has the words of the log itself, for who compares it with the API's."""


@router.get("/audit")
def audit(view: Operator) -> Response:
    """The audit log, newest first.

    `person`, `act` and `subject` may end in `*`; `reason` is a text within it, `*` any; `from` and `to` are days.
    """
    wanted = asked(view.request)
    given = wanted.filters
    since, until = span(given.get("from"), given.get("to"), names=("from", "to"))
    page = wanted.form == "page"

    def read(limit: int, offset: int) -> tuple[Sequence[Entry], int | None]:
        with view.transaction() as connection:
            rows, total = store.entries(
                connection,
                subject=given.get("subject"),
                person=given.get("person"),
                act=given.get("act"),
                reason=given.get("reason"),
                tenant_id=view.caller.tenant,
                since=since,
                until=until,
                limit=limit,
                offset=offset,
                count_up_to=COUNTED + 1,
            )
        return rows, total if total <= COUNTED else None

    found = listing(view, "audit", "audit", wanted, _columns(view) if page else RAW, read)
    if isinstance(found, Response):
        return found
    return view.page("audit/audit.html", entries=found, acts=view.renderer.catalogue.acts(view.language))


def _columns(view: View) -> Sequence[Column[Entry]]:
    words = view.renderer.catalogue

    def subject(entry: Entry) -> Link | str:
        address = address_of(view, entry.subject, entry.tenant_id)
        return Link(entry.subject, address) if address is not None else entry.subject

    shown = {
        "door": lambda entry: view.t(f"audit.door_{entry.door.replace(' ', '_')}"),
        "act": lambda entry: words.act(entry.act, view.language),
        "subject": subject,
    }
    return [Column(one.key, shown.get(one.key, one.value), wide=one.wide) for one in RAW]
