"""One ASGI application for all simulated vendors.

`/guanke`, `/gateway`, … follow the vendors' contracts; `/_sim/…` is for tests: plant faults, read the exact truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from calling_pipeline.simulator import gateway, guanke, infinity, metabase, wecom
from calling_pipeline.simulator.faults import COMMON_KINDS, Fault, Faults
from calling_pipeline.simulator.pushed_calls import PushedCalls
from calling_pipeline.simulator.true_rates import TrueRates
from calling_pipeline.simulator.world import MEMORY, Simulation, World


def create_app(world: World, *, latency_s: float = 0.0) -> ASGIApp:
    """The simulator. Every answer of a vendor waits `latency_s`; planted common faults are applied here."""
    simulation = Simulation(world, Faults(world.seed))
    routes: list[BaseRoute] = [
        Route("/_sim/faults", _Faults(simulation.faults).plant, methods=["POST"]),
        Route("/_sim/faults", _Faults(simulation.faults).show, methods=["GET"]),
        Route("/_sim/faults", _Faults(simulation.faults).clear, methods=["DELETE"]),
    ]
    for name, vendor_routes in _vendors(simulation).items():
        routes.append(Mount(f"/{name}", routes=vendor_routes))
    return Spoiler(Starlette(routes=routes), simulation.faults, latency_s)


def _vendors(simulation: Simulation) -> dict[str, list[BaseRoute]]:
    """Mount point → routes of each vendor. A vendor's own `/_sim` routes lie beneath its mount point."""
    world, rates = simulation.world, TrueRates(simulation.world)
    kept = world.pushed_calls
    pushed = None if kept is None else PushedCalls(world, rates, None if kept == MEMORY else kept)
    return {
        "guanke": guanke.routes(simulation, rates, pushed),
        "gateway": gateway.routes(simulation, pushed),
        "wecom": wecom.routes(simulation),
        "metabase": metabase.routes(simulation),
        "infinity": infinity.routes(simulation),
    }


class _Faults:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def plant(self, request: Request) -> Response:
        """`{"kind", "path", "times", "rate", "after", "options"}` plants one fault."""
        self._faults.plant(Fault(**await request.json()))
        return JSONResponse({"planted": len(self._faults.planted)})

    async def show(self, request: Request) -> Response:
        return JSONResponse([fault.__dict__ for fault in self._faults.planted])

    async def clear(self, request: Request) -> Response:
        self._faults.clear()
        return JSONResponse({"planted": 0})


class Spoiler:
    """Delays answers and applies the common faults, before or after the vendor acted."""

    def __init__(self, app: ASGIApp, faults: Faults, latency_s: float) -> None:
        self._app = app
        self._faults = faults
        self._latency_s = latency_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].count("/") == 1:
            scope["path"] += "/"  # a vendor's own URL without a path below it, which Mount would redirect
        if scope["type"] != "http" or "/_sim" in scope["path"]:
            await self._app(scope, receive, send)
            return
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        fault = self._faults.strike(_where(scope), *COMMON_KINDS) if self._faults.planted else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.after or fault.kind in ("cut", "slow"):
            await self._spoil_answer(fault, scope, receive, send)
        else:
            await self._spoiled(fault, b"")(scope, receive, send)

    async def _spoil_answer(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        start: dict[str, object] = {}

        async def collect(message: object) -> None:
            assert isinstance(message, dict)
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        if fault.kind == "slow":
            await self._wait(fault)
            await send(start)
            await send({"type": "http.response.body", "body": bytes(body)})
            return
        await self._spoiled(fault, bytes(body))(scope, receive, send)

    def _spoiled(self, fault: Fault, body: bytes) -> ASGIApp:
        match fault.kind:
            case "status":
                headers = {"Retry-After": str(fault.options["retry_after"])} if "retry_after" in fault.options else {}
                return Response("", status_code=int(fault.options.get("status", 500)), headers=headers)
            case "cut":
                return Response(body[: len(body) // 2], media_type="application/json")
            case "garbage":
                return Response("<html>gateway says hello</html>", media_type="text/html")
            case "hang":
                return _Late(self._wait(fault, 60.0), Response("", status_code=504))
            case "reset":
                return _Reset()
            case other:
                raise ValueError(f"unknown fault kind {other!r}; known: {', '.join(COMMON_KINDS)}")

    async def _wait(self, fault: Fault, seconds: float = 1.0) -> None:
        """The fault's seconds, or until the faults are cleared: so that a test decides when the answer comes."""
        loop = asyncio.get_running_loop()
        until = loop.time() + float(fault.options.get("seconds", seconds))
        while (left_s := until - loop.time()) > 0 and fault in self._faults.planted:
            await asyncio.sleep(min(left_s, 0.02))


def _where(scope: Scope) -> str:
    """Path and query, so that a fault can name one page (`page=3&`)."""
    return f"{scope['path']}?{scope.get('query_string', b'').decode('latin-1')}&"


class _Late:
    """Answers when the wait is over."""

    def __init__(self, wait: Coroutine[None, None, None], answer: Response) -> None:
        self._wait = wait
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._wait
        await self._answer(scope, receive, send)


class _Reset:
    """Promises a body and closes the connection within it: the client sees a broken answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
