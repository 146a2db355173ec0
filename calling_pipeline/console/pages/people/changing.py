"""Making people and changing what they may do."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline.access.people import people
from calling_pipeline.access.people.records import Language
from calling_pipeline.console.pages.people.forms import Filled, Reason, Word, bindings
from calling_pipeline.console.views import View, viewing
from calling_pipeline.settings import Role

router = APIRouter(tags=["people"])
Admin = Annotated[View, Depends(viewing("admin", "people"))]
Rooms = Annotated[list[str], Form()]


@router.get("/people/add")
def ask_to_add(view: Admin, tenant_id: str = "", collector_id: str = "") -> Response:
    """The form that makes a person; `tenant_id` and `collector_id` in the address fill it for a collector."""
    filled = Filled(role="collector" if collector_id else "viewer", **bindings(tenant_id, collector_id))
    return view.page("people/edit.html", person=None, filled=filled, action="/people/add")


@router.post("/people/add")
def add(
    view: Admin,
    grants: Rooms = [],  # noqa: B006 - how FastAPI knows that none may come
    name: Word = "",
    role: Word = "",
    tenant_id: Word = "",
    collector_id: Word = "",
    language: Word = "zh",
) -> Response:
    """Make a person, who gets a link, a password or a token on their page."""
    bound = bindings(tenant_id, collector_id)
    with view.transaction() as connection:
        made = people.add(
            connection,
            name,
            cast(Role, role),
            by=view.caller.name,
            grants=grants,
            language=cast(Language, language),
            **bound,
        )
    return view.done("people.added", back=f"/people/{made.id}", name=made.name)


@router.get("/people/{person_id}/change")
def ask_to_change(view: Admin, person_id: int) -> Response:
    """The form that changes a person."""
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
    return view.page("people/edit.html", person=person, filled=Filled.of(person), action=f"/people/{person_id}/change")


@router.post("/people/{person_id}/change")
def change(
    view: Admin,
    person_id: int,
    grants: Rooms = [],  # noqa: B006 - how FastAPI knows that none may come
    role: Word = "",
    tenant_id: Word = "",
    collector_id: Word = "",
    language: Word = "zh",
    reason: Reason = "",
) -> Response:
    """Change role, bindings, rooms and language."""
    changes = {"role": role, "grants": grants, "language": language, **bindings(tenant_id, collector_id)}
    return _changed(view, person_id, changes, reason, "people.changed")


@router.get("/people/{person_id}/disable")
def ask_to_disable(view: Admin, person_id: int) -> Response:
    """The form that lets a person do nothing more."""
    return _switch(view, person_id, "disable")


@router.post("/people/{person_id}/disable")
def disable(view: Admin, person_id: int, reason: Reason = "") -> Response:
    """Disable a person: they are out everywhere within five seconds."""
    return _changed(view, person_id, {"active": False}, reason, "people.was_disabled")


@router.get("/people/{person_id}/enable")
def ask_to_enable(view: Admin, person_id: int) -> Response:
    """The form that lets a disabled person act again."""
    return _switch(view, person_id, "enable")


@router.post("/people/{person_id}/enable")
def enable(view: Admin, person_id: int, reason: Reason = "") -> Response:
    """Let a disabled person act again."""
    return _changed(view, person_id, {"active": True}, reason, "people.was_enabled")


def _switch(view: View, person_id: int, what: Literal["disable", "enable"]) -> Response:
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
    return view.page("people/switch.html", person=person, what=what)


def _changed(view: View, person_id: int, changes: dict[str, Any], reason: str, said: str) -> Response:
    with view.transaction() as connection:
        person = people.find_by_id(connection, person_id)
        people.change(connection, person.name, changes, by=view.caller.name, reason=reason)
    return view.done(said, back=f"/people/{person_id}", name=person.name)
