"""Which requests are the console's, and the first question to them: does anybody known ask?

A page without a known person leads to the login; a form without one is refused before its body is read. What each route
needs beyond that is judged by `views.viewing`, through the same gate as the API.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calling_pipeline.access.audit.door import through
from calling_pipeline.api import bodies
from calling_pipeline.api.auth import Gate
from calling_pipeline.api.operations import Operation, Operations
from calling_pipeline.console import failing
from calling_pipeline.errors import CallingError

STATIC = "/static/"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_PROGRAMS = ("/api/", "/docs", "/openapi.json", "/healthz", "/livez", "/readyz", "/metrics")


class Entrance:
    """ASGI middleware before the API: what `pages` knows goes there."""

    def __init__(self, app: ASGIApp, pages: FastAPI) -> None:
        self._app, self._pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operations: Operations = self._pages.state.operations
        operation = operations.of(method, scope["path"])
        if operation is None and not (scope["path"].startswith(STATIC) or _is_a_lost_page(scope)):
            await self._app(scope, receive, send)
            return
        scope["operation"], scope["door"] = operation, "console"
        receive = bodies.Counted(receive, bodies.largest_of(scope["path"]))
        with through("console"):
            await self._serve(operation, scope, receive, _with_headers(send))

    async def _serve(self, operation: Operation | None, scope: Scope, receive: Receive, send: Send) -> None:
        if operation is not None and operation.needs_caller:
            gate: Gate = self._pages.state.gate
            try:
                known = await gate.caller(gate.shown_by(scope)) is not None
            except CallingError:
                known = True  # the route says what is wrong with the database
            if not known:
                scope["app"] = self._pages
                await self._to_login(Request(scope))(scope, receive, send)
                return
        await self._pages(scope, receive, send)

    def _to_login(self, request: Request) -> Response:
        if "hx-request" in request.headers:
            return failing.login_wanted(request)
        if request.method in ("GET", "HEAD"):
            where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(where, safe='')}", status_code=303)
        return failing.login_wanted(request)


def _is_a_lost_page(scope: Scope) -> bool:
    """A browser that follows a wrong link gets a page that says so, not the API's answer for programs."""
    if scope["method"] != "GET" or scope["path"].startswith(_PROGRAMS):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in _HEADERS if one[0] not in given)]
        await send(message)

    return sending
