"""What a route of the console works with: who asks, the runtime, the language, and how the answer is made.

A route declares `view: Annotated[View, Depends(viewing("operator", "batches"))]`. An act is a POST that ends with
`view.done(...)`, or raises: the sentence of the error is then shown in the form that was sent, with everything typed kept.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Language, Room
from calling_pipeline.api.auth import CSRF_FIELD, Gate, Needs, Requirement, admit
from calling_pipeline.console.menu import entries_for
from calling_pipeline.console.rendering import Renderer
from calling_pipeline.console.shared import Shared
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Role
from calling_pipeline.texts.catalogue import LANGUAGES

LANGUAGE_COOKIE = "calling_language"
SEEN_COOKIE = "calling_language_seen"
"""In which language the last page was: a session that ended is said so in it."""
THEME_COOKIE = "calling_theme"
NOTICE_COOKIE = "calling_notice"
THEMES = ("auto", "light", "dark")
_WHOLE = "body"
"""How htmx names the source of a request that an act's answer leads to; a part of a page has another name."""
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_MOST_FIELDS = 5000
Value = TypeVar("Value")


@dataclass(frozen=True)
class View:
    """One request to the console."""

    request: Request
    caller: Caller
    runtime: Runtime
    renderer: Renderer = field(repr=False)

    @property
    def language(self) -> Language:
        """The language of this request's page."""
        return language_of(self.request, self.caller)

    def t(self, key: str, **values: Any) -> str:
        """A text of the catalogue."""
        return self.renderer.catalogue.text(key, self.language, **values)

    def may(self, role: Role, room: Room, *, own: bool = False) -> bool:
        """Whether the person may do what needs `role` in `room`; routes refuse all the same."""
        return self.caller.may(role, room, own=own)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well."""
        with self.runtime.transaction() as connection:
            yield connection

    def shared(self, key: Hashable, seconds: float, compute: Callable[[], Value]) -> Value:
        """Facts that all viewers share, computed at most once in `seconds`; `key` holds everything that narrows them."""
        kept: Shared = self.request.app.state.shared
        return kept.get(key, seconds, compute)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A whole page, or a part of one: what the template makes of `context`."""
        return render(self.request, template, self.caller, status=status, **context)

    def done(self, key: str, *, back: str, **values: Any) -> Response:
        """The answer to an act that was done: the page `back`, with the text of `key` as its notice.

        Whoever looks at a live part sees it at once.
        """
        self.request.app.state.shared.clear()
        return with_notice(self.request, self.t(key, **values), back)

    def leads(self, address: str) -> Response:
        """The answer to a form that only asks: the page at `address`, which the browser then shows as its own."""
        if "hx-request" in self.request.headers:
            return Response(status_code=204, headers={"HX-Redirect": address})
        return RedirectResponse(address, status_code=303)


class Viewing(Requirement):
    """The dependency of a route of the console."""

    async def __call__(self, request: Request) -> View:  # type: ignore[override]
        gate: Gate = request.app.state.gate
        caller = await admit(gate, request.scope, self.needs, csrf=await _csrf_field(request))
        request.scope["caller"] = caller.name
        state = request.app.state
        return View(request, caller, state.runtime, state.renderer)


def viewing(role: Role, room: Room, *, own: bool = False) -> Viewing:
    """A dependency that yields the `View` of a person who has `role` or above and may enter `room`; else it refuses.

    `own`: the route narrows a caller who is bound to a collector to what is theirs.
    """
    return Viewing(Needs(role, room, own))


def language_of(request: Request, caller: Caller | None) -> Language:
    """The language chosen in this browser, else the person's, else that of the last page, else the one of the settings."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    if caller is not None and caller.language is not None:
        return caller.language
    seen = request.cookies.get(SEEN_COOKIE) if caller is None else None
    for language in LANGUAGES:
        if seen == language:
            return language
    renderer: Renderer = request.app.state.renderer
    return renderer.settings.language


def theme_of(request: Request) -> str:
    """`auto`, `light` or `dark`, as chosen in this browser."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def render(request: Request, template: str, caller: Caller | None, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The page of a template, with the frame of this caller; None: nobody is logged in."""
    renderer: Renderer = request.app.state.renderer
    notice = _notice_in(request)
    frame = {
        "request": request,
        "caller": caller,
        "csrf": caller.csrf if caller is not None else "",
        "csrf_field": CSRF_FIELD,
        "menu": entries_for(caller) if caller is not None else (),
        "may": caller.may if caller is not None else _nobody_may,
        "theme": theme_of(request),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "query": dict(request.query_params),
        "now": days.now(),
        "today": days.today(),
        "notice": notice,
    }
    language = language_of(request, caller)
    text = renderer.render(template, language, {**frame, **context})
    answer = HTMLResponse(text, status_code=status)
    if caller is not None and request.cookies and request.cookies.get(SEEN_COOKIE) != language:
        answer.set_cookie(SEEN_COOKIE, language, path="/", httponly=True, samesite="strict")
    if notice:
        answer.delete_cookie(NOTICE_COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def with_notice(request: Request, sentence: str, back: str) -> Response:
    """Leads to the page `back`, which shows `sentence` once.

    By script it is fetched into the present page where that is the same, with the filter that stands in its address;
    another page is opened by the browser, so that the address is true.
    """
    answer: Response
    here = urlsplit(request.headers.get("hx-current-url", ""))
    if "hx-request" not in request.headers:
        answer = RedirectResponse(back, status_code=303)
    elif here.path == urlsplit(back).path:
        path = back if "?" in back or not here.query else f"{back}?{here.query}"
        where = {"path": path, "target": "#page", "select": "#page", "swap": "outerHTML show:none"}
        answer = Response(status_code=204, headers={"HX-Location": json.dumps(where)})
    else:
        answer = Response(status_code=204, headers={"HX-Redirect": back})
    value = base64.urlsafe_b64encode(sentence.encode()).decode()
    answer.set_cookie(NOTICE_COOKIE, value, max_age=30, path="/", httponly=True, samesite="strict")
    return answer


def _nobody_may(role: Role, room: Room, *, own: bool = False) -> bool:
    return False


def _notice_in(request: Request) -> str:
    """What the page has to say of the act before it. A live part that asks in between leaves it to the page."""
    if request.headers.get("hx-source", _WHOLE) != _WHOLE:
        return ""
    try:
        return base64.urlsafe_b64decode(request.cookies.get(NOTICE_COOKIE, "").encode()).decode()
    except ValueError:
        return ""


async def _csrf_field(request: Request) -> str:
    """The token in the form of a page."""
    if request.method in ("GET", "HEAD") or "cookie" not in request.headers:
        return ""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _FORMS:
        return ""
    form = await request.form(max_fields=_MOST_FIELDS)
    value = form.get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""
