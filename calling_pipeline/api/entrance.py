"""The entrance of the API: what its requests do is kept in the audit log as done through this door."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from calling_pipeline.access.audit.door import through


class ApiDoor:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with through("api"):
            await self._app(scope, receive, send)
