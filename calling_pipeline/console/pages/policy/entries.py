"""The do-not-call list: its entries with filters, pages and exports, and adding one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.policy.handles import address_of
from calling_pipeline.console.pages.policy.number import Text, put_on_the_list
from calling_pipeline.console.pages.policy.overview import COUNTED
from calling_pipeline.console.views import View, viewing
from calling_pipeline.contact_policy import store
from calling_pipeline.contact_policy.records import Blocked, EntryState
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits, mask_phone
from calling_pipeline.phones import canonical_phone

router = APIRouter(tags=["policy"])
Viewer = Annotated[View, Depends(viewing("viewer", "policy"))]
Operator = Annotated[View, Depends(viewing("operator", "policy"))]
STATES: tuple[EntryState, ...] = get_args(EntryState)
_TONES = {"active": "bad", "expired": "quiet", "removed": "quiet"}


@router.get("/policy/do-not-call")
def entries(view: Viewer) -> Response:
    """The list, newest entries first. `state` is active, expired, removed or all; `source` is who asked for an entry."""
    wanted = asked(view.request)
    now, source, state = days.now(), wanted.filters.get("source"), _state(wanted.filters.get("state", "active"))

    def read(limit: int, offset: int) -> tuple[Sequence[Blocked], int | None]:
        with view.transaction() as connection:
            rows = store.blocked(connection, now, source=source, state=state, with_expired=True, limit=limit, offset=offset)
            total = store.count_up_to(connection, now, COUNTED + 1, source=source, state=state)
        return rows, total if total <= COUNTED else None

    def number(entry: Blocked) -> Link:
        return Link(mask_phone(entry.phone), address_of(view, entry.phone))

    def standing(entry: Blocked) -> State:
        found = entry.state(now)
        return State(f"policy.state_{found}", _TONES[found])

    columns: Sequence[Column[Blocked]] = (
        Column("number", number),
        Column("source", lambda entry: entry.source),
        Column("state", standing),
        Column("until", lambda entry: entry.expires_at or view.t("policy.permanent")),
        Column("note", lambda entry: mask_digits(entry.note) or None, wide=True),
        Column("added_at", lambda entry: entry.added_at, wide=True),
        Column("added_by", lambda entry: entry.added_by or None, wide=True),
        Column("ended_by", lambda entry: entry.ended_by or None, wide=True),
        Column("ended_why", lambda entry: mask_digits(entry.ended_why) or None, wide=True),
    )
    found = listing(view, "do_not_call", "policy", wanted, columns, read)
    return found if isinstance(found, Response) else view.page("policy/entries.html", entries=found, states=(*STATES, "all"))


@router.get("/policy/do-not-call/add")
def ask_to_add(view: Operator) -> Response:
    """The form that puts a number on the list."""
    return view.page("policy/add.html", number="", action="/policy/do-not-call/add", handle="")


@router.post("/policy/do-not-call/add")
def add(
    view: Operator,
    phone: Annotated[str, Form(max_length=200)] = "",
    source: Text = "",
    expires: Text = "",
    reason: Text = "",
) -> Response:
    """Put a number on the list."""
    return put_on_the_list(view, canonical_phone(phone), source, expires, reason, back="/policy/do-not-call")


def _state(text: str) -> EntryState | None:
    if text == "all":
        return None
    if text not in STATES:
        raise InvalidInput(f"a state is one of {', '.join((*STATES, 'all'))}", field="state")
    return text
