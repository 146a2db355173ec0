"""The gate before the framework: who may not enter is refused before a byte of the body is read, and bodies are bounded.

The routes' own check (`auth.admit`) decides about roles and rooms; here is only asked whether anybody calls at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calling_pipeline.api import bodies
from calling_pipeline.api.envelope import failure, failure_of
from calling_pipeline.api.operations import Operation, Operations
from calling_pipeline.api.refusals import Refusals
from calling_pipeline.errors import CallingError, InvalidInput

AT_ONCE = 256
"""Requests worked on at the same time; one more is answered 503."""
_NO_BODY = ("GET", "HEAD", "OPTIONS")
_UNKNOWN = HTTPException(401, "a known bearer token is needed", headers={"WWW-Authenticate": "Bearer"})


class Limits:
    """ASGI middleware around the application whose state holds `gate`. `describe` gives the OpenAPI description."""

    def __init__(self, app: ASGIApp, describe: Callable[[], dict[str, Any]]) -> None:
        self._app = app
        self._describe = describe
        self._refusals = Refusals()
        self._under_way = 0

    @cached_property
    def _operations(self) -> Operations:
        return Operations(self._describe())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._under_way >= AT_ONCE:
            await failure(503, "too many requests are under way; try again shortly")(scope, receive, send)
            return
        self._under_way += 1
        try:
            admitted = await self._admitted(scope, receive)
        except HTTPException as error:
            await self._refuse(error, scope, receive, send)
        except CallingError as error:
            await failure_of(error)(scope, receive, send)
        else:
            if admitted is not None:
                await self._app(scope, admitted, send)
        finally:
            self._under_way -= 1

    async def _admitted(self, scope: Scope, receive: Receive) -> Receive | None:
        """What the application may receive; None when the caller went away. Raises what refuses the request."""
        operation = self._operations.of(scope["method"], scope["path"])
        if operation is None:
            return bodies.Counted(receive, bodies.LARGEST)
        scope["operation"] = operation
        largest = bodies.largest_of(scope["path"])
        if not operation.needs_caller:
            _require_known_query(operation, scope)
            return bodies.Counted(receive, largest)
        await self._require_caller(operation, scope)
        _require_known_query(operation, scope)
        if scope["method"] in _NO_BODY:
            return bodies.Counted(receive, bodies.LARGEST)
        if (bodies.announced(scope) or 0) > largest:
            raise bodies.too_large(largest)
        body = await bodies.read(receive, largest)
        if body is None:
            return None
        if body and _is_json(scope):
            await bodies.require_sane(body)
        return _replayed(body, receive)

    async def _require_caller(self, operation: Operation, scope: Scope) -> None:
        gate = scope["app"].state.gate
        shown = gate.shown_by(scope)
        caller = await gate.caller(shown)
        if caller is not None:
            scope["caller"] = caller.name
            return
        address = (scope.get("client") or ("an unknown address", 0))[0]
        guessed = bool(shown.authorization or shown.session)
        if not await self._refusals.note(address, f"{scope['method']} {operation.template}", guessed=guessed):
            raise HTTPException(429, "too many requests without a valid token", headers={"Retry-After": "60"})
        raise _UNKNOWN

    async def _refuse(self, error: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Response = failure(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        if scope["method"] not in _NO_BODY:
            answer.headers["Connection"] = "close"  # what comes of the body is not read
        await answer(scope, receive, send)


def _require_known_query(operation: Operation, scope: Scope) -> None:
    for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if name not in operation.queries:
            known = ", ".join(sorted(operation.queries)) or "none"
            raise InvalidInput(f"there is no such query parameter; this path takes: {known}", field=name[:64])


def _is_json(scope: Scope) -> bool:
    given = next((value for name, value in scope["headers"] if name == b"content-type"), b"application/json")
    return bool(given.split(b";")[0].strip().lower().endswith(b"json"))


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
