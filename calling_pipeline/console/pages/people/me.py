"""`/me`: one's own login, for everybody: password, language, sessions, tokens."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people
from calling_pipeline.access.people.records import SHORTEST_PASSWORD, Language, Person
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.api.auth import Gate
from calling_pipeline.console.pages.people.forms import Secret, Word, twice
from calling_pipeline.console.pages.people.listed import rooms_of
from calling_pipeline.console.pages.people.one import shown_tokens
from calling_pipeline.console.pages.session import YEAR_S
from calling_pipeline.console.views import LANGUAGE_COOKIE, View, viewing, with_notice
from calling_pipeline.errors import NotFound

router = APIRouter(tags=["people"])
Anybody = Annotated[View, Depends(viewing("viewer", "session", own=True))]


@router.get("/me")
def me(view: Anybody) -> Response:
    """Who one is, what one may do, one's sessions and tokens."""
    now = days.now()
    with view.transaction() as connection:
        person = people.find_by_id(connection, _own_id(view))
        sessions = session_store.open_of(connection, person.id, now=now)
        tokens = token_store.listed(connection, person_id=person.id)
    return view.page(
        "people/me.html",
        person=person,
        rooms=rooms_of(view, person),
        sessions=sessions,
        here=view.caller.session_id,
        tokens=shown_tokens(tokens, now),
    )


@router.get("/me/password")
def ask_for_password(view: Anybody) -> Response:
    """The form that changes one's own password."""
    return view.page("people/own_password.html", person=_own(view), shortest=SHORTEST_PASSWORD)


@router.post("/me/password")
def change_password(view: Anybody, old: Secret = "", password: Secret = "", again: Secret = "") -> Response:
    """Change one's own password given the old one; one's other sessions end."""
    wanted, person = twice(password, again), _own(view)
    gate: Gate = view.request.app.state.gate
    ended = login.change_own_password(
        view.runtime.engine,
        person.name,
        old,
        wanted,
        address=gate.address_of(view.request.scope),
        keeps=view.caller.session_id,
    )
    return view.done("people.own_password_set", back="/me", n=ended)


@router.post("/me/language")
def choose_language(view: Anybody, language: Word = "") -> Response:
    """The language of one's pages, wherever one logs in; it replaces what was chosen for this browser."""
    with view.transaction() as connection:
        people.change(connection, _own(view).name, {"language": language}, by=view.caller.name)
    said = view.renderer.catalogue.text("people.language_kept", cast(Language, language))
    answer = with_notice(view.request, said, "/me")
    answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, path="/", httponly=True, samesite="strict")
    return answer


@router.post("/me/sessions/end")
def end_others(view: Anybody) -> Response:
    """End one's other sessions."""
    person = _own(view)
    with view.transaction() as connection:
        ended = login.end_others(connection, person, keeps=view.caller.session_id, by=view.caller.name)
    return view.done("people.own_sessions_ended", back="/me", n=ended)


@router.post("/me/sessions/{session_id}/end")
def end_one(view: Anybody, session_id: int) -> Response:
    """End one of one's sessions."""
    person = _own(view)
    with view.transaction() as connection:
        login.end_one(connection, person, session_id, by=view.caller.name)
    return view.done("people.own_sessions_ended", back="/me", n=1)


def _own(view: View) -> Person:
    with view.transaction() as connection:
        return people.find_by_id(connection, _own_id(view))


def _own_id(view: View) -> int:
    if view.caller.person_id is None:
        raise NotFound("this token of the settings belongs to no person, who would have a page")
    return view.caller.person_id
