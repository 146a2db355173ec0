"""What forms about people send, read; and what they are filled with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Form

from calling_pipeline.access.people.records import GRANTABLE, RANKS, Person
from calling_pipeline.errors import InvalidInput

Word = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Form(max_length=500)]
Secret = Annotated[str, Form(max_length=1000)]
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Filled:
    """What the form about a person shows."""

    name: str = ""
    role: str = "viewer"
    tenant_id: int | None = None
    collector_id: int | None = None
    grants: tuple[str, ...] = ()
    language: str = "zh"
    roles: tuple[str, ...] = field(default=tuple(RANKS))
    rooms: tuple[str, ...] = field(default=tuple(GRANTABLE))

    @classmethod
    def of(cls, person: Person) -> Filled:
        """As the person is now."""
        return cls(person.name, person.role, person.tenant_id, person.collector_id, person.grants, person.language)


def bindings(tenant: str, collector: str) -> dict[str, Any]:
    """The tenant and the collector that were typed; empty for none. Raises `InvalidInput` naming the field."""
    return {"tenant_id": _id(tenant, "tenant_id"), "collector_id": _id(collector, "collector_id")}


def twice(password: str, again: str) -> str:
    """The password that was typed twice. Raises `InvalidInput` when the two differ."""
    if password != again:
        raise InvalidInput("the two passwords are not the same", field="again")
    return password


def _id(text: str, name: str) -> int | None:
    clean = text.strip()
    if not clean:
        return None
    if not clean.isascii() or not clean.isdigit() or not 1 <= int(clean[:20]) <= _LARGEST_ID:
        raise InvalidInput(f"{name} is a whole number from 1 on, or empty", field=name)
    return int(clean)
