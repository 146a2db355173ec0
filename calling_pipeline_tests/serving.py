"""Applications behind real HTTP in this process, started and ended as quickly as they can be.

FastAPI works out routes and the description anew for every application, which costs a second of CPU, and Jinja compiles
every template anew. All applications of a worker that are made of the same routers share what the first worked out.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from calling_pipeline_tests.described import Compared
from calling_pipeline_tests.support import LIMIT_S, join_all, wait_until

LOOK_S = 0.1
KEPT_S = int(LIMIT_S)
"""How long an idle connection is kept: longer than clients keep one, or it ends in the moment in which it is used again."""
_routes: dict[tuple[Hashable, ...], list[Any]] = {}
_descriptions: dict[tuple[Hashable, ...], dict[str, Any]] = {}

_templates: dict[str, Any] = {}


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An ASGI application behind real HTTP on a free port; yields its URL."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, proxy_headers=False, timeout_keep_alive=KEPT_S)
    with running(config) as (url, _):
        yield url


@contextmanager
def running(config: uvicorn.Config) -> Iterator[tuple[str, uvicorn.Server]]:
    """The application of `config` behind real HTTP on a free port: its URL and its server.

    What it answered otherwise than its description says fails whoever asked.
    """
    share_what_routers_cost(config.app)
    compared = Compared(config.app) if isinstance(config.app, FastAPI) else None
    if compared is not None:
        config.app = compared
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []
    ended = asyncio.Event()

    async def main_loop() -> None:
        loops.append(asyncio.get_running_loop())
        tenths = 0
        while not await server.on_tick(tenths):
            tenths += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), LOOK_S)

    server.main_loop = main_loop  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive(), every_s=0.002)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        server.should_exit = True
        for loop in loops:
            with suppress(RuntimeError):  # it is over already
                loop.call_soon_threadsafe(ended.set)
        join_all(thread)
        listener.close()
    if compared is not None and compared.differences:
        raise AssertionError(f"answered otherwise than described: {sorted(compared.differences)}")


def share_what_routers_cost(app: Any) -> None:
    """Give `app`, and the console's pages before it, the routes, description and templates that equal ones worked out."""
    if not isinstance(app, FastAPI):
        return
    for layer in app.user_middleware:
        share_what_routers_cost(layer.kwargs.get("pages"))
    made_of = tuple(_identity(route) for route in app.router.routes)
    known = _routes.setdefault(made_of, list(app.router.routes))
    app.router.routes[:] = known
    if made_of not in _descriptions:
        _descriptions[made_of] = app.openapi()
    app.openapi_schema = _descriptions[made_of]
    app._openapi_routes_version = app.router._get_routes_version()  # what FastAPI remembers with a description
    if (renderer := getattr(app.state, "renderer", None)) is not None:
        renderer._environments = _templates.setdefault(renderer.settings.ui_address, renderer._environments)


def _identity(route: Any) -> Hashable:
    """What two applications must have in common at this place: the router, or the one route of every application."""
    if getattr(route, "path", None) == "/openapi.json":
        return "/openapi.json"
    return id(getattr(route, "original_router", route))
