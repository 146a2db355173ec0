"""People and their tokens over HTTP; for admins of all tenants. A person is named by their name, whatever its case."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.caller import Caller
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people, store
from calling_pipeline.access.people.records import LONGEST_PASSWORD, SHORTEST_PASSWORD, Language, Person
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.access.tokens import tokens
from calling_pipeline.access.tokens.records import Token
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Id, PathId, RuntimeDep, Short
from calling_pipeline.api.envelope import Success, ok
from calling_pipeline.errors import NotFound
from calling_pipeline.settings import GrantableRoom, Role

router = APIRouter(prefix="/api/v1/users", tags=["people"])
Admin = Annotated[Caller, Depends(requires("admin", "people"))]
Reason = Annotated[Short, Field(description="why; kept in the audit log")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewPerson(_Body):
    """A person to add."""

    name: Short = Field(min_length=1)
    role: Role
    tenant_id: Id | None = Field(None, description="bound to this tenant; null: every tenant")
    collector_id: Id | None = Field(None, description="acts as this collector of the tenant only")
    grants: list[GrantableRoom] = Field(default_factory=list, description="rooms without tenants, open anyway")
    language: Language = "zh"


class PersonChanges(_Body):
    """What is left out stays as it is."""

    role: Role | None = None
    tenant_id: Id | None = None
    collector_id: Id | None = None
    grants: list[GrantableRoom] | None = None
    language: Language | None = None
    active: bool | None = None
    reason: Reason = ""


class NewPassword(_Body):
    """A person's new password."""

    password: str = Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD, repr=False)


class NewToken(_Body):
    """A token to issue."""

    label: Short = Field("", description="what it is for")
    valid_days: int | None = Field(None, ge=1, le=tokens.LONGEST_DAYS, description="null: until it is revoked")


class IssuedToken(BaseModel):
    """The answer to an issue shows the token, this once."""

    token: str
    details: Token


class LoginLink(BaseModel):
    """Logs the person in once, within ten minutes."""

    address: str


@router.get("")
def list_people(runtime: RuntimeDep, caller: Admin) -> Success[list[Person]]:
    """Everybody, the disabled ones too."""
    with runtime.transaction() as connection:
        return ok(store.every(connection))


@router.post("", status_code=201)
def add_person(body: NewPerson, runtime: RuntimeDep, caller: Admin) -> Success[Person]:
    """Add a person, who gets a token, a password or a login link afterwards."""
    values: dict[str, Any] = body.model_dump(exclude={"name", "role"})
    with runtime.transaction() as connection:
        return ok(people.add(connection, body.name, body.role, by=caller.name, **values))


@router.get("/{name}")
def show_person(name: str, runtime: RuntimeDep, caller: Admin) -> Success[Person]:
    """One person."""
    with runtime.transaction() as connection:
        return ok(people.find(connection, name))


@router.patch("/{name}")
def change_person(name: str, body: PersonChanges, runtime: RuntimeDep, caller: Admin) -> Success[Person]:
    """Change a person. Who is disabled (`active` false) is logged out, and their tokens are refused within five seconds."""
    nullable = ("tenant_id", "collector_id")
    sent = body.model_dump(exclude_unset=True, exclude={"reason"})
    changes = {field: value for field, value in sent.items() if value is not None or field in nullable}
    with runtime.transaction() as connection:
        return ok(people.change(connection, name, changes, by=caller.name, reason=body.reason))


@router.put("/{name}/password")
def set_password(name: str, body: NewPassword, runtime: RuntimeDep, caller: Admin) -> Success[Person]:
    """Set a password; every session of the person ends."""
    with runtime.transaction() as connection:
        return ok(people.set_password(connection, name, body.password, by=caller.name))


@router.post("/{name}/login-link")
def make_login_link(name: str, runtime: RuntimeDep, caller: Admin) -> Success[LoginLink]:
    """Make a link that logs the person in once."""
    with runtime.transaction() as connection:
        link = login.make_link(connection, name, by=caller.name)
    return ok(LoginLink(address=f"{runtime.settings.address}/login?link={link}"))


@router.get("/{name}/tokens")
def list_tokens(name: str, runtime: RuntimeDep, caller: Admin) -> Success[list[Token]]:
    """The person's tokens, without the tokens themselves."""
    with runtime.transaction() as connection:
        return ok(token_store.listed(connection, person_id=people.find(connection, name).id))


@router.post("/{name}/tokens", status_code=201)
def issue_token(name: str, body: NewToken, runtime: RuntimeDep, caller: Admin) -> Success[IssuedToken]:
    """Issue a token."""
    with runtime.transaction() as connection:
        made, secret = tokens.issue(connection, name, label=body.label, by=caller.name, valid_days=body.valid_days)
    return ok(IssuedToken(token=secret, details=made))


@router.delete("/{name}/tokens/{token_id}")
def revoke_token(name: str, token_id: PathId, runtime: RuntimeDep, caller: Admin) -> Success[Token]:
    """Refuse a token from now on: every server does so within five seconds."""
    with runtime.transaction() as connection:
        person = people.find(connection, name)
        if not any(token.id == token_id for token in token_store.listed(connection, person_id=person.id)):
            raise NotFound(f"{person.name} has no token {token_id}")
        return ok(tokens.revoke(connection, token_id, by=caller.name))
