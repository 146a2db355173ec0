"""Logging in and out of pages over HTTP. The session's secret is in a cookie that no script reads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.caller import Caller
from calling_pipeline.access.login import login
from calling_pipeline.access.people.records import LONGEST_NAME, LONGEST_PASSWORD, Room
from calling_pipeline.access.sessions.records import LONGEST, Session
from calling_pipeline.api.auth import SESSION_COOKIE, Gate, requires
from calling_pipeline.api.dependencies import RuntimeDep
from calling_pipeline.api.envelope import Success, answer, ok
from calling_pipeline.errors import InvalidInput
from calling_pipeline.settings import Role

router = APIRouter(prefix="/api/v1/session", tags=["session"])
Anybody = Annotated[Caller, Depends(requires("viewer", "session", own=True))]


class Credentials(BaseModel):
    """A name with its password, or the secret of a login link."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=4 * LONGEST_NAME)
    password: str = Field("", max_length=4 * LONGEST_PASSWORD, repr=False)
    link: str = Field("", max_length=200, repr=False)


class Who(BaseModel):
    """Who is logged in. `csrf_token` goes with every change, as the header X-CSRF-Token or the field csrf_token."""

    name: str
    role: Role
    tenant_id: int | None
    collector_id: int | None
    grants: list[Room]
    csrf_token: str = Field(description="empty for a bearer token, which needs none")


@router.post(
    "", response_model=Success[Who], responses={401: {"description": "proves nobody"}, 429: {"description": "slower"}}
)
def log_in(body: Credentials, request: Request, runtime: RuntimeDep) -> Response:
    """Needs no token. Names and addresses that fail often are slowed down (429)."""
    gate: Gate = request.app.state.gate
    shown = {"address": gate.address_of(request.scope), "replaces": gate.shown_by(request.scope).session}
    if body.link:
        session = login.by_link(runtime.engine, body.link, **shown)
    elif body.name and body.password:
        session = login.by_password(runtime.engine, body.name, body.password, **shown)
    else:
        raise InvalidInput("give a name and a password, or a link", field="name")
    made = answer(ok(_who(Caller.of(session.person, csrf=session.csrf))))
    set_session_cookie(made, session, secure=runtime.settings.address.startswith("https://"))
    return made


@router.get("")
def show(caller: Anybody) -> Success[Who]:
    """Who the caller is."""
    return ok(_who(caller))


@router.delete("", response_model=Success[Who])
def log_out(request: Request, runtime: RuntimeDep, caller: Anybody) -> Response:
    """End the session of this cookie; a bearer token stays as it is."""
    gate: Gate = request.app.state.gate
    session = gate.shown_by(request.scope).session
    if session:
        login.end(runtime.engine, session)
        gate.forget(session)
    made = answer(ok(_who(caller)))
    made.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return made


def set_session_cookie(response: Response, session: Session, *, secure: bool) -> None:
    """Hand the browser the session's secret: for this site only, never to a script, and over https where that is used."""
    response.set_cookie(
        SESSION_COOKIE,
        session.secret,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        httponly=True,
        secure=secure,
        samesite="strict",
    )


def _who(caller: Caller) -> Who:
    return Who(
        name=caller.name,
        role=caller.role,
        tenant_id=caller.tenant,
        collector_id=caller.collector,
        grants=sorted(caller.grants),
        csrf_token=caller.csrf,
    )
