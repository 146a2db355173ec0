"""The page of one person: what they may do, their tokens, and what was done to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit_store
from calling_pipeline.access.audit.views import changes
from calling_pipeline.access.people import people
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.access.tokens.records import Token
from calling_pipeline.console.pages.people.listed import rooms_of, state_of
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["people"])
Admin = Annotated[View, Depends(viewing("admin", "people"))]
_ACTS = 10


@dataclass(frozen=True)
class ShownToken:
    """A token with the word for how it stands."""

    token: Token
    state: str
    tone: str


@router.get("/people/{person_id}")
def show(view: Admin, person_id: int) -> Response:
    """One person."""
    now = days.now()
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        tokens = token_store.listed(connection, person_id=person.id)
        sessions = session_store.open_of(connection, person.id, now=now)
        acts, _ = audit_store.entries(connection, subject=f"person:{person.name}", limit=_ACTS, count_up_to=1)
    return view.page(
        "people/person.html",
        person=person,
        state=state_of(person),
        rooms=rooms_of(view, person),
        tokens=shown_tokens(tokens, now),
        sessions=sessions,
        acts=[(entry, changes(entry)) for entry in acts],
    )


def shown_tokens(tokens: Sequence[Token], now: dt.datetime) -> list[ShownToken]:
    """Tokens as pages show them, the valid ones first."""
    found = [_shown(token, now) for token in tokens]
    return sorted(found, key=lambda one: one.state != "valid")


def _shown(token: Token, now: dt.datetime) -> ShownToken:
    if token.revoked_at is not None:
        return ShownToken(token, "revoked", "quiet")
    if token.expires_at is not None and token.expires_at <= now:
        return ShownToken(token, "expired", "quiet")
    return ShownToken(token, "valid", "good")
