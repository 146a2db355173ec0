"""How the API listens: connections that send their request too slowly, or too much of a head, are cut.

uvicorn limits how long an idle connection is kept, not how long a request may take to arrive.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""Seconds within which the head of a request must have arrived."""
BODY_S = 60.0
"""Seconds within which its body must have arrived after that."""
LARGEST_HEAD = 32 * 1024
MOST_WAITING = 512
"""Connections without a whole head; one more cuts the oldest of them, so that strangers cannot take all places."""

DRAIN_S = 20
"""Seconds that requests under way may take when the server is to end: less than who stops it waits."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, with a clock for the head and one for the body of every request."""

    _waiting: ClassVar[OrderedDict[BoundedProtocol, None]] = OrderedDict()
    _clock: asyncio.TimerHandle | None = None
    _head = 0
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first head is awaited."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        if not self._in_body:
            if self not in self._waiting:
                self._await_head()
            self._head += len(data)
        super().data_received(data)
        if not self._in_body and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is whole; its body is awaited."""
        self._stop_clock()
        self._head, self._in_body = 0, True
        self._clock = self.loop.call_later(BODY_S, self.transport.abort)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._stop_clock()
        self._head, self._in_body = 0, False
        super().on_message_complete()

    def _await_head(self) -> None:
        self._stop_clock()
        self._head = 0
        self._waiting[self] = None
        self._clock = self.loop.call_later(HEAD_S, self.transport.abort)
        if len(self._waiting) > MOST_WAITING:
            oldest, _ = self._waiting.popitem(last=False)
            oldest.transport.abort()

    def _stop_clock(self) -> None:
        self._waiting.pop(self, None)
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def configuration(app: ASGIApp, **more: Any) -> uvicorn.Config:
    """uvicorn's configuration for the API: bounded connections, an end in bounded time, and no log but ours."""
    given = {"timeout_graceful_shutdown": DRAIN_S, **more}
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **given,
    )
