"""`/login`, `/logout` and what a person chooses for this browser: language and theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from calling_pipeline.access.login import login
from calling_pipeline.access.login.leading import own_path
from calling_pipeline.access.people.records import LONGEST_NAME, LONGEST_PASSWORD, Language
from calling_pipeline.access.sessions.records import Session
from calling_pipeline.api.auth import SESSION_COOKIE, Gate
from calling_pipeline.api.routes.session import set_session_cookie
from calling_pipeline.console.failing import within_form
from calling_pipeline.console.views import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    View,
    render,
    viewing,
    with_notice,
)
from calling_pipeline.errors import Busy, LoginRefused, SlowedDown
from calling_pipeline.runtime import Runtime

router = APIRouter(tags=["session"])
Anybody = Annotated[View, Depends(viewing("viewer", "session", own=True))]
YEAR_S = 365 * 86_400
Where = Annotated[str, Form(max_length=2000)]


@router.get("/login")
def show_login(request: Request, next: str = "/", link: str = "") -> Response:
    """The form to log in; with the secret of a link, the login itself."""
    if link:
        if request.headers.get("sec-purpose", "").startswith("prefetch"):
            return Response(status_code=403)  # a page that is loaded in advance would use the link up
        return _opened(request, lambda runtime, shown: login.by_link(runtime.engine, link, **shown), next)
    return _form(request, next)


@router.post("/login")
def log_in(
    request: Request,
    name: Annotated[str, Form(max_length=4 * LONGEST_NAME)] = "",
    password: Annotated[str, Form(max_length=4 * LONGEST_PASSWORD)] = "",
    next: Where = "/",
) -> Response:
    """Log in by name and password. Names and addresses that fail often are slowed down."""
    return _opened(request, lambda runtime, shown: login.by_password(runtime.engine, name, password, **shown), next)


@router.post("/logout")
def log_out(view: Anybody) -> Response:
    """End the session of this browser."""
    gate: Gate = view.request.app.state.gate
    session = gate.shown_by(view.request.scope).session
    if session:
        login.end(view.runtime.engine, session)
        gate.forget(session)
    answer = with_notice(view.request, view.t("session.logged_out"), "/login")
    answer.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.post("/preferences")
def choose(
    request: Request,
    language: Annotated[Language | None, Form()] = None,
    theme: Annotated[Literal["auto", "light", "dark"] | None, Form()] = None,
    back: Where = "/",
) -> Response:
    """Choose the language or the theme of this browser. It changes nothing but how pages look, so it needs no proof."""
    answer = Response(status_code=303, headers={"Location": own_path(back)})
    for name, value in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
        if value is not None:
            answer.set_cookie(name, value, max_age=YEAR_S, path="/", httponly=True, samesite="strict")
    return answer


def _form(request: Request, where: str, *, wrong: str = "", status: int = 200) -> Response:
    if "hx-request" in request.headers:
        return within_form(
            render(request, "parts/refused.html", None, status=status, http=status, sentence=wrong, field=None)
        )
    return render(request, "login.html", None, status=status, wrong=wrong, where=own_path(where))


def _opened(request: Request, log_in: Callable[[Runtime, dict[str, str]], Session], where: str) -> Response:
    gate: Gate = request.app.state.gate
    runtime: Runtime = request.app.state.runtime
    shown = {"address": gate.address_of(request.scope), "replaces": gate.shown_by(request.scope).session}
    try:
        session = log_in(runtime, shown)
    except LoginRefused as error:
        return _form(request, where, wrong=str(error), status=403)
    except SlowedDown as error:
        return _form(request, where, wrong=str(error), status=429)
    except Busy as error:
        return _form(request, where, wrong=str(error), status=503)
    # A page, not a redirection: a browser that comes from a page elsewhere keeps a strict cookie back until it has
    # opened a page of ours.
    answer = render(request, "logged_in.html", None, where=own_path(where), person=session.person.name, token=session.csrf)
    set_session_cookie(answer, session, secure=runtime.settings.address.startswith("https://"))
    return answer
