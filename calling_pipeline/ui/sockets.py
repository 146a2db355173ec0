"""Dagster's WebSocket behind the guard: it carries subscriptions only, and ends with the session that opened it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calling_pipeline.errors import CallingError
from calling_pipeline.ui.operations import holds_a_mutation
from calling_pipeline.ui.visitors import Visitors

LOOK_EVERY_S = 5.0
"""How often it is asked whether the visitor is still one."""


async def guarded_socket(dagster: ASGIApp, scope: Scope, receive: Receive, send: Send, visitors: Visitors) -> None:
    """Let Dagster serve the socket until either side ends it, or who opened it may not see it any more."""

    async def receiving() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and _is_a_change(message):
            return {"type": "websocket.disconnect", "code": 4403}
        return message

    served = asyncio.ensure_future(_as_coroutine(dagster(scope, receiving, send)))
    try:
        while not served.done():
            await asyncio.wait([served], timeout=LOOK_EVERY_S)
            if not served.done() and not await _still_allowed(scope, visitors):
                served.cancel()
                await asyncio.wait([served])
                await send({"type": "websocket.close", "code": 4401, "reason": "log in again"})
                return
    finally:
        served.cancel()
    if not served.cancelled():
        served.result()


async def _still_allowed(scope: Scope, visitors: Visitors) -> bool:
    try:
        visitor = await visitors.of(scope)
    except CallingError:
        return True  # nobody can say; the next look decides
    return visitor is not None and not visitor.refused


def _is_a_change(message: Message) -> bool:
    """Whether it carries a mutation: Dagster would refuse it too, but it has no business here."""
    try:
        payload = json.loads(message.get("text") or "{}").get("payload") or {}
        query = payload.get("query", "")
    except (ValueError, AttributeError):
        return False
    return isinstance(query, str) and holds_a_mutation(query)


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work
