"""What stands before Dagster's web server: every request is judged here, and only what is allowed reaches it.

In this order: is the request meant for this server (`Host`); who asks; does a page of ours ask (`Origin`), where the browser
shows the proof by itself; does it change anything, and may this person. A change is in the audit log before it is done:
what cannot be noted is not done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote

from graphql import GraphQLError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calling_pipeline.access.acting import acting
from calling_pipeline.access.audit.door import through
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime
from calling_pipeline.ui import acts
from calling_pipeline.ui.operations import HARMLESS, Change, changes, only_reads
from calling_pipeline.ui.origins import Origins
from calling_pipeline.ui.sockets import guarded_socket
from calling_pipeline.ui.visitors import Visitor, Visitors

VISITOR = "calling_visitor"
"""The key in an ASGI scope under which Dagster's part finds who asks."""
MOST_BYTES = 4_000_000
"""The largest GraphQL request: a launchpad's configuration is far smaller."""
PROBES = ("/livez", "/readyz")
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Refused(Exception):
    """The answer for what is not allowed; `str(refused)` is one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Guard:
    """The guard before `dagster`; `pages` serves logging in and out, which needs nobody known."""

    def __init__(self, dagster: ASGIApp, pages: ASGIApp, runtime: Runtime, visitors: Visitors, *, prefix: str = "") -> None:
        self._dagster, self._pages, self._runtime, self._visitors, self._prefix = dagster, pages, runtime, visitors, prefix
        self._origins = Origins.of(runtime.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._dagster(scope, receive, send)
            return
        try:
            if scope["type"] == "http" and scope["path"] in PROBES:
                await self._probe(scope, receive, _with_headers(send))
                return
            await self._judged(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        except Refused as refused:
            await _refuse(scope, receive, send, refused)
        except CallingError as error:
            await _refuse(scope, receive, send, Refused(503, str(error)))

    async def _judged(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._origins.knows(_values(scope, b"host")):
            raise Refused(421, "this server does not answer to that name; CALLING_UI_HOSTS adds names it answers to")
        path = scope["path"].removeprefix(self._prefix)
        if scope["type"] == "http" and path in ("/login", "/logout"):
            self._require_own_page(scope, by_cookie=True)
            await self._pages(scope, receive, send)
            return
        visitor = await self._visitors.of(scope)
        if visitor is None:
            await self._ask_to_log_in(scope, receive, send)
            return
        if visitor.refused:
            raise Refused(403, f"{visitor.name}: {visitor.refused}")
        self._require_own_page(scope, by_cookie=visitor.by_cookie)
        scope = {**scope, VISITOR: visitor}
        if scope["type"] == "websocket":
            await guarded_socket(self._dagster, scope, receive, send, self._visitors)
            return
        if path == "/graphql":
            scope, receive = await self._graphql(scope, receive, visitor)
        elif scope["method"] not in _SAFE:
            self._require_changes(visitor, path)
            await self._note(visitor, [Change("reportRunlessAssetEvents", {"path": path})])
        with acting(visitor.name), through("dagster"):
            await self._dagster(scope, receive, send)

    async def _probe(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whether this process lives (`/livez`) or can serve (`/readyz`), to anybody and under any name."""
        if scope["path"] == "/readyz":
            await self._visitors.ping()
        await JSONResponse({"alive": True} if scope["path"] == "/livez" else {"ready": True})(scope, receive, send)

    def _require_own_page(self, scope: Scope, *, by_cookie: bool) -> None:
        """Refuse what a page of another site made a browser send. A program shows a token, which no browser adds itself."""
        origins, hosts = _values(scope, b"origin"), _values(scope, b"host")
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return
        if (origins or by_cookie) and not self._origins.same(origins, hosts):
            raise Refused(403, "a page of another address asks for this")

    def _require_changes(self, visitor: Visitor, what: str) -> None:
        if not visitor.may_change:
            raise Refused(403, f"{visitor.name} may look and change nothing; {what} is a change, which needs an operator")

    async def _graphql(self, scope: Scope, receive: Receive, visitor: Visitor) -> tuple[Scope, Receive]:
        """Judge a GraphQL request by what it asks; returns what Dagster gets."""
        if scope["method"] in _SAFE:
            asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("query", [])
            if not all(_reads(query) for query in asked):
                raise Refused(405, "nothing is changed by GET; send it by POST")
            return scope, receive
        if not _is_json(scope):
            raise Refused(415, "a GraphQL request is JSON; send it as application/json")
        body = await _body(receive)
        asked_changes = [one for one in _changes(body) if one.field not in HARMLESS]
        if asked_changes:
            self._require_changes(visitor, asked_changes[0].field)
            await self._note(visitor, asked_changes)
        return {**scope, "query_string": b""}, _replay(body, receive)

    async def _note(self, visitor: Visitor, asked: Sequence[Change]) -> None:
        def note() -> None:
            with through("dagster"), self._runtime.transaction() as connection:
                for one in asked:
                    note_act(connection, acts.act_of(one), acts.subject_of(one), by=visitor.name, after=acts.kept_of(one))

        await run_in_threadpool(note)

    async def _ask_to_log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        wants_page = any(b"text/html" in value for value in _values(scope, b"accept"))
        if scope["type"] == "http" and scope["method"] == "GET" and wants_page:
            where = quote(scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""))
            await RedirectResponse(f"{self._prefix}/login?next={where}", status_code=303)(scope, receive, send)
            return
        raise Refused(401, f"log in first, at {self._prefix}/login")


def _reads(query: str) -> bool:
    try:
        return only_reads(query)
    except GraphQLError:
        return False


def _changes(body: bytes) -> Sequence[Change]:
    try:
        asked: Any = json.loads(body)
        if not isinstance(asked, Mapping):
            raise Refused(400, "a GraphQL request is one JSON object")
        query, variables, name = asked.get("query"), asked.get("variables"), asked.get("operationName")
        if isinstance(variables, str):
            variables = json.loads(variables)
        if not isinstance(query, str) or not isinstance(variables, Mapping | None) or not isinstance(name, str | None):
            raise Refused(400, "a GraphQL request has a query, and perhaps variables and an operationName")
        return changes(query, variables, name)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the GraphQL request is no readable JSON") from error
    except GraphQLError as error:
        raise Refused(400, f"the GraphQL request cannot be read: {error.message}") from error


def _is_json(scope: Scope) -> bool:
    kinds = _values(scope, b"content-type")
    return len(kinds) == 1 and kinds[0].partition(b";")[0].strip().lower() == b"application/json"


async def _body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "the request was cut off")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise Refused(413, f"a GraphQL request has at most {MOST_BYTES} bytes")
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then whatever comes."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", [])}
            message = {
                **message,
                "headers": [*message.get("headers", []), *(one for one in _HEADERS if one[0] not in given)],
            }
        await send(message)

    return sending


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for header, value in scope["headers"] if header == name]


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":  # before it is accepted: the browser sees a refused handshake
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": str(refused)[:100]})
        return
    answer: Response = JSONResponse({"error": str(refused)}, status_code=refused.status)
    await answer(scope, receive, _with_headers(send))
