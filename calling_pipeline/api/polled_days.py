"""Answers the read that everybody polls before the framework sees it: a cached day, asked for in the plain form.

The framework's own steps (middleware, routing, dependencies, exit stacks) take several times as long as the read itself.
Only the good answer is given here, through the same gate (`auth.admit`) and the same read (`DayReader`) as the route in
`routes/call_stats.py`. Everything else, each refusal and each other form of the question, is left to that route.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from calling_pipeline.api.auth import Needs, admit
from calling_pipeline.api.envelope import fast_body
from calling_pipeline.call_stats.records import Track
from calling_pipeline.errors import CallingError

_TRACKS: Mapping[str, Track] = {"/api/stats/grade-stats": "grade", "/api/stats/task-stats": "task"}
_NEEDS = Needs("viewer", "statistics")
_PLAIN_QUERY = re.compile(rb"date=([0-9]{4}-[0-9]{2}-[0-9]{2})")


class PolledDays:
    """ASGI middleware around the application whose state holds `gate` and `day_reader`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        track = _TRACKS.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        body = await _answer(track, scope) if track is not None else None
        if body is None:
            await self._app(scope, receive, send)
            return
        scope["polled"] = True
        headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _answer(track: Track, scope: Scope) -> bytes | None:
    """The body of the good answer; None when the route has to answer, because it refuses or is asked in another form."""
    query = _PLAIN_QUERY.fullmatch(scope["query_string"])
    if query is None:
        return None
    state = scope["app"].state
    try:
        await admit(state.gate, scope, _NEEDS)
        cached = await state.day_reader.cached(track, state.day_reader.day(query[1].decode()))
    except (HTTPException, CallingError):
        return None
    return fast_body(cached) if cached is not None else None
