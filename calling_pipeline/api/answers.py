"""Around every answer: security headers, one line of the access log, and the promised form when something failed unforeseen.

The access log names the path's template, not the values in it, the status, the milliseconds and who called. What is polled,
the read of a cached day and probes, is not logged when it succeeds.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calling_pipeline import measures, tracing
from calling_pipeline.api.envelope import failure

ACCESS = "calling_pipeline.api.access"
_access = logging.getLogger(ACCESS)
_log = logging.getLogger(__name__)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
FAULT = "the server failed to answer this request; its log says why"


class Answers:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with tracing.span("request") as span:
            await self._answered(scope, receive, send, span)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, span: tracing.Span) -> None:
        begun, status = time.perf_counter(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in _HEADERS if one[0] not in given)]
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception:
            _log.exception("%s failed", _what(scope))
            if status == 0:
                await failure(500, FAULT)(scope, receive, guarded)
        finally:
            took_s = time.perf_counter() - begun
            _note(scope, status, took_s)
            span.note(route=_what(scope), status=status)
            if status != 200 or "polled" not in scope:
                _access.info("%s %d %.0f ms %s", _what(scope), status, took_s * 1000, scope.get("caller", "-"))


def _note(scope: Scope, status: int, took_s: float) -> None:
    """Count the request by the template of its path, polled reads of a day as such."""
    operation = scope.get("operation")
    door = "polled" if "polled" in scope else scope.get("door", "api")
    route = operation.template if operation else scope["path"] if door == "polled" else "none"
    measures.count(measures.HTTP_REQUESTS, door, route, f"{status // 100}xx")
    measures.observe(measures.HTTP_SECONDS, took_s, door)


def _what(scope: Scope) -> str:
    operation = scope.get("operation")
    return f"{scope['method'][:10]} {operation.template if operation else '(no such path)'}"
