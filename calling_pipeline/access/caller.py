"""Who asks at a door, and what they may reach. Doors make a `Caller`; rooms get its name as `by`."""

from __future__ import annotations

from dataclasses import dataclass

from calling_pipeline.access.audit.records import Door
from calling_pipeline.access.people.records import RANKS, ROOMS_WITH_TENANTS, Language, Person, Room
from calling_pipeline.errors import Forbidden, InvalidInput, NotFound
from calling_pipeline.settings import Role


@dataclass(frozen=True)
class Caller:
    """Who sent a request: role, bindings (None: all tenants, no collector), granted rooms, and the name for the audit log.

    `person_id` is None for a token of the settings that names no stored person; `csrf` is what a change must send back,
    empty where no browser adds the proof by itself; `language` is the one the stored person reads.
    """

    role: Role
    tenant: int | None
    name: str
    collector: int | None = None
    grants: frozenset[Room] = frozenset()
    door: Door = "api"
    person_id: int | None = None
    session_id: int | None = None
    csrf: str = ""
    language: Language | None = None

    @classmethod
    def of(cls, person: Person, *, door: Door = "api", session_id: int | None = None, csrf: str = "") -> Caller:
        """The caller that this person is."""
        return cls(
            role=person.role,
            tenant=person.tenant_id,
            name=person.name,
            collector=person.collector_id,
            grants=frozenset(person.grants),
            door=door,
            person_id=person.id,
            session_id=session_id,
            csrf=csrf,
            language=person.language,
        )

    def require(self, role: Role, room: Room, *, own: bool = False) -> None:
        """Raise `Forbidden` unless this caller may do in `room` what needs `role`.

        `own`: what is asked narrows a caller who is bound to a collector to what is theirs. Otherwise such a caller is
        refused in rooms with tenants, where everything is somebody's.
        """
        if RANKS[self.role] < RANKS[role]:
            raise Forbidden(f"this needs the role {role}; yours is {self.role}")
        if self.tenant is not None and room not in ROOMS_WITH_TENANTS and room not in self.grants:
            raise Forbidden(
                f"you are bound to tenant {self.tenant}, and {room} belongs to no tenant; an admin can grant it to you"
            )

        if self.collector is not None and room in ROOMS_WITH_TENANTS and not own:
            raise Forbidden("you act as yourself only: this concerns others too")

    def may(self, role: Role, room: Room, *, own: bool = False) -> bool:
        """Whether `require` lets this caller through."""
        try:
            self.require(role, room, own=own)
        except Forbidden:
            return False
        return True

    def may_touch(self, tenant: int) -> bool:
        """Whether the caller reaches this tenant."""
        return self.tenant is None or self.tenant == tenant

    def own_tenant(self, tenant_id: int | None) -> int:
        """The tenant a request is about: the caller's, or the one named by a caller of all tenants.

        Raises `InvalidInput` when neither names one, `Forbidden` when the caller is bound to another.
        """
        wanted = tenant_id if tenant_id is not None else self.tenant
        if wanted is None:
            raise InvalidInput("tenant_id is needed: this token is not bound to a tenant", field="tenant_id")
        if not self.may_touch(wanted):
            raise Forbidden("this token is bound to another tenant")
        return wanted

    def scope(self, tenant_id: int | None) -> int | None:
        """The tenant a list is narrowed to; None: every tenant. Raises `Forbidden` for another tenant."""
        return self.tenant if tenant_id is None else self.own_tenant(tenant_id)

    def own_collector(self, collector_id: int | None) -> int | None:
        """The collector a list is narrowed to; None: every collector. Raises `Forbidden` for another collector."""
        if self.collector is None:
            return collector_id
        if collector_id is not None and collector_id != self.collector:
            raise Forbidden("you act as yourself only: this is another collector")
        return self.collector

    def require_visible(self, tenant_id: int, what: str, *, collector_id: int | None = None) -> None:
        """Raise `NotFound` for what is another tenant's or another collector's: it does not exist for this caller."""
        if not self.may_touch(tenant_id) or (self.collector is not None and collector_id != self.collector):
            raise NotFound(f"there is no such {what}")
