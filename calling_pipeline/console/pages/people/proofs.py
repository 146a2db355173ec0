"""By what a person proves who they are: password, login link, tokens. A secret is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.access.login import login
from calling_pipeline.access.login.records import LINK_VALID
from calling_pipeline.access.people import people
from calling_pipeline.access.people.records import SHORTEST_PASSWORD
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.access.tokens import tokens
from calling_pipeline.console.pages.people.forms import Reason, Secret, Word, twice
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput, NotFound

router = APIRouter(tags=["people"])
Admin = Annotated[View, Depends(viewing("admin", "people"))]
_LINK_MINUTES = int(LINK_VALID.total_seconds() // 60)


@router.get("/people/{person_id}/password")
def ask_for_password(view: Admin, person_id: int) -> Response:
    """The form that sets a person's password."""
    return _form(view, person_id, "people/password.html", shortest=SHORTEST_PASSWORD)


@router.post("/people/{person_id}/password")
def set_password(view: Admin, person_id: int, password: Secret = "", again: Secret = "") -> Response:
    """Set a person's password; every session of theirs ends."""
    wanted = twice(password, again)
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        people.set_password(connection, person.name, wanted, by=view.caller.name)
    return view.done("people.password_set", back=f"/people/{person_id}", name=person.name)


@router.get("/people/{person_id}/login-link")
def ask_for_link(view: Admin, person_id: int) -> Response:
    """The form that makes a login link."""
    return _form(view, person_id, "people/link.html", minutes=_LINK_MINUTES)


@router.post("/people/{person_id}/login-link")
def make_link(view: Admin, person_id: int) -> Response:
    """Make a link that logs the person in once, and show it this once."""
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        link = login.make_link(connection, person.name, by=view.caller.name)
    address = f"{view.runtime.settings.address}/login?link={link}"
    return view.page("people/secret.html", person=person, kind="link", secret=address, minutes=_LINK_MINUTES)


@router.get("/people/{person_id}/tokens/add")
def ask_for_token(view: Admin, person_id: int) -> Response:
    """The form that issues a token."""
    return _form(view, person_id, "people/token.html", longest=tokens.LONGEST_DAYS)


@router.post("/people/{person_id}/tokens/add")
def issue(view: Admin, person_id: int, label: Word = "", valid_days: Word = "") -> Response:
    """Issue a token, and show it this once."""
    days = valid_days.strip()
    if days and not (days.isascii() and days.isdigit()):
        raise InvalidInput(f"a token is valid for 1 to {tokens.LONGEST_DAYS} days", field="valid_days")
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        _, secret = tokens.issue(
            connection, person.name, label=label, by=view.caller.name, valid_days=int(days[:9]) if days else None
        )
    return view.page("people/secret.html", person=person, kind="token", secret=secret, minutes=_LINK_MINUTES)


@router.get("/people/{person_id}/tokens/{token_id}/revoke")
def ask_to_revoke(view: Admin, person_id: int, token_id: int) -> Response:
    """The form that revokes a token."""
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        found = [one for one in token_store.listed(connection, person_id=person.id) if one.id == token_id]
    if not found:
        raise NotFound(f"{person.name} has no token {token_id}")
    return view.page("people/revoke.html", person=person, token=found[0])


@router.post("/people/{person_id}/tokens/{token_id}/revoke")
def revoke(view: Admin, person_id: int, token_id: int, reason: Reason = "") -> Response:
    """From now on the token proves nobody; every server sees it within five seconds."""
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        if not any(one.id == token_id for one in token_store.listed(connection, person_id=person.id)):
            raise NotFound(f"{person.name} has no token {token_id}")
        done = tokens.revoke(connection, token_id, by=view.caller.name, reason=reason)
    return view.done("people.revoked", back=f"/people/{person_id}", label=done.label or done.id)


@router.get("/people/{person_id}/sessions/end")
def ask_to_end_sessions(view: Admin, person_id: int) -> Response:
    """The form that logs a person out everywhere."""
    return _form(view, person_id, "people/end_sessions.html")


@router.post("/people/{person_id}/sessions/end")
def end_sessions(view: Admin, person_id: int) -> Response:
    """Log a person out everywhere; one's own session of this browser goes on."""
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        ended = login.end_others(connection, person, keeps=view.caller.session_id, by=view.caller.name)
    return view.done("people.sessions_ended", back=f"/people/{person_id}", n=ended, name=person.name)


def _form(view: View, person_id: int, template: str, **more: Any) -> Response:
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
    return view.page(template, person=person, **more)
