"""Adding and changing people. Each act is noted in the audit log, in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.login import store as login_store
from calling_pipeline.access.people import passwords, store
from calling_pipeline.access.people.records import GRANTABLE, LONGEST_NAME, RANKS, Language, Person
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.settings import Role

FIRST_ADMIN = "admin"
CHANGEABLE = ("role", "tenant_id", "collector_id", "grants", "language", "active")


def add(
    connection: sa.Connection,
    name: str,
    role: Role,
    *,
    by: str,
    tenant_id: int | None = None,
    collector_id: int | None = None,
    grants: Sequence[str] = (),
    language: Language = "zh",
) -> Person:
    """Add an active person without a password. Raises `InvalidInput` naming the field, `Conflict` for a name in use."""
    values = {"role": role, "tenant_id": tenant_id, "collector_id": collector_id, "grants": grants, "language": language}
    checked = _checked(values)
    try:
        made = store.add(connection, name=_name(name), at=days.now(), **checked)
    except IntegrityError as error:
        if violated_constraint(error) == store.NAME_KEY:
            raise Conflict(f"there is a person called {name.strip()} already") from None
        raise
    _note(connection, "person.add", made, by=by, after=described(made))
    return made


def find(connection: sa.Connection, name: str, *, lock: bool = False) -> Person:
    """The person of that name, active or not. Raises `NotFound`."""
    found = store.by_name(connection, name.strip(), lock=lock)
    if found is None:
        raise NotFound(f"there is no person called {name.strip()}; `calling-pipeline users list` shows all")
    return found


def change(connection: sa.Connection, name: str, changes: Mapping[str, Any], *, by: str, reason: str = "") -> Person:
    """Change some of `CHANGEABLE`. Who is disabled is logged out everywhere, and their tokens and links prove nobody.

    Raises `NotFound`, `InvalidInput` naming the field, and `Conflict` when no admin of all tenants would be left.
    """
    before = find(connection, name, lock=True)
    unknown = set(changes) - set(CHANGEABLE)
    if unknown:
        raise InvalidInput(f"of a person cannot be changed: {', '.join(sorted(unknown))}")
    was = described(before)
    wanted = _checked({field: was[field] for field in CHANGEABLE} | dict(changes))
    if _is_chief(was) and not _is_chief(wanted) and store.other_admins(connection, before.id) == 0:
        raise Conflict(f"{before.name} is the only active admin of all tenants; make another one first")
    after = store.change(connection, before.id, {**wanted, "grants": list(wanted["grants"])})
    if before.active and not after.active:
        _log_out_everywhere(connection, before.id)
    now = described(after)
    changed = [field for field in CHANGEABLE if was[field] != now[field]]
    if changed:
        acts = {True: "person.enable", False: "person.disable"}
        act = acts[after.active] if "active" in changed else "person.change"
        parts = [{field: one[field] for field in changed} for one in (was, now)]
        _note(connection, act, after, by=by, reason=reason, before=parts[0], after=parts[1])
    return after


def set_password(connection: sa.Connection, name: str, password: str, *, by: str) -> Person:
    """Store a new password; every session and unused login link of the person ends. Raises as `hashed` and `find` do."""
    stored = passwords.hashed(password)
    keep_password(connection, find(connection, name, lock=True), stored, by=by)
    return find(connection, name)


def keep_password(connection: sa.Connection, person: Person, stored: str, *, by: str, keeps: int | None = None) -> int:
    """Replace the hash of a person's password; their sessions but `keeps` end, and how many those were is returned."""
    after = store.change(connection, person.id, {"password_hash": stored})
    ended = _log_out_everywhere(connection, person.id, but=keeps)
    _note(connection, "person.password", after, by=by)
    return ended


def find_by_id(connection: sa.Connection, person_id: int) -> Person:
    """The person with that number, active or not. Raises `NotFound`."""
    found = store.find(connection, person_id)
    if found is None:
        raise NotFound("there is no such person")
    return found


def ensure_admin(connection: sa.Connection) -> Person | None:
    """Make the first admin of a new installation, without a password; None when there is an admin already."""
    if any(person.role == "admin" for person in store.every(connection)):
        return None
    if store.by_name(connection, FIRST_ADMIN) is not None:
        return None
    return add(connection, FIRST_ADMIN, "admin", by="")


def described(person: Person) -> dict[str, Any]:
    """What the audit log and lists say of a person: nothing secret."""
    shown = {name: getattr(person, name) for name in ("name", *CHANGEABLE)}
    return {**shown, "grants": list(person.grants)}


def _is_chief(values: Mapping[str, Any]) -> bool:
    return values["role"] == "admin" and bool(values["active"]) and values["tenant_id"] is None


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    if values["role"] not in RANKS:
        raise InvalidInput(f"a role is one of {', '.join(RANKS)}", field="role")
    if values["language"] not in get_args(Language):
        raise InvalidInput(f"a language is one of {', '.join(get_args(Language))}", field="language")
    if values["collector_id"] is not None and values["tenant_id"] is None:
        raise InvalidInput("a collector belongs to a tenant: name the tenant too", field="collector_id")
    wrong = [grant for grant in values["grants"] if grant not in GRANTABLE]
    if wrong:
        raise InvalidInput(f"{wrong[0]!r} cannot be granted; rooms are {', '.join(GRANTABLE)}", field="grants")
    grants = tuple(room for room in GRANTABLE if room in values["grants"])
    return {**values, "grants": grants}


def _name(name: str) -> str:
    clean = name.strip()
    if not clean or len(clean) > LONGEST_NAME or not clean.isprintable():
        raise InvalidInput(f"a name has 1 to {LONGEST_NAME} characters and no line break", field="name")
    return clean


def _log_out_everywhere(connection: sa.Connection, person_id: int, *, but: int | None = None) -> int:
    login_store.end_links(connection, person_id, at=days.now())
    return session_store.end_all(connection, person_id, at=days.now(), but=but)


def _note(
    connection: sa.Connection,
    act: str,
    person: Person,
    *,
    by: str,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    subject = f"person:{person.name}"
    note_act(connection, act, subject, by=by, reason=reason, tenant_id=person.tenant_id, before=before, after=after)
