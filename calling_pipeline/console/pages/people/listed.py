"""The list of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.access.people import store
from calling_pipeline.access.people.records import RANKS, Person
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["people"])
Admin = Annotated[View, Depends(viewing("admin", "people"))]
_SORTS: Mapping[str, Callable[[Person], Any]] = {
    "name": lambda person: person.name.lower(),
    "role": lambda person: RANKS[person.role],
    "created": lambda person: person.created_at,
}


def columns_of(view: View) -> Sequence[Column[Person]]:
    """The columns of the list; exports have the same."""
    every = view.t("people.every_tenant")
    return (
        Column("name", lambda person: Link(person.name, f"/people/{person.id}"), sorts=True),
        Column("role", lambda person: State(f"common.role_{person.role}"), sorts=True),
        Column("state", state_of),
        Column("tenant", lambda person: every if person.tenant_id is None else str(person.tenant_id)),
        Column("collector", lambda person: None if person.collector_id is None else str(person.collector_id), wide=True),
        Column("grants", lambda person: rooms_of(view, person) or None, wide=True),
        Column("password", lambda person: person.has_password, wide=True),
        Column("created", lambda person: person.created_at, sorts=True, wide=True),
    )


def state_of(person: Person) -> State:
    """Whether the person may act."""
    return State("people.active", "good") if person.active else State("people.disabled", "bad")


def rooms_of(view: View, person: Person) -> str:
    """The rooms that are open to the person beside those of their tenant."""
    return view.t("people.and").join(view.t(f"people.room_{room}") for room in person.grants)


@router.get("/people")
def people(view: Admin) -> Response:
    """Everybody by name. `name` is a part of it; `role`, `state` (active, disabled) and `tenant` narrow further."""
    wanted = asked(view.request, sorts=tuple(_SORTS), default_sort="name")
    given = wanted.filters

    def read(limit: int, offset: int) -> tuple[Sequence[Person], int]:
        with view.transaction() as connection:
            found = [person for person in store.every(connection) if _matches(person, given)]
        found.sort(key=_SORTS[wanted.sort], reverse=wanted.descending)
        return found[offset : offset + limit], len(found)

    found = listing(view, "people", "people", wanted, columns_of(view), read)
    return found if isinstance(found, Response) else view.page("people/people.html", people=found, roles=tuple(RANKS))


def _matches(person: Person, given: Mapping[str, str]) -> bool:
    return (
        given.get("name", "").lower() in person.name.lower()
        and given.get("role") in (None, person.role)
        and given.get("state") in (None, "active" if person.active else "disabled")
        and given.get("tenant") in (None, str(person.tenant_id))
    )
