"""The server that people and programs reach: the API, and before it the console's pages.

The console is an application of its own, so that its errors are pages and its description does not fill the API's; both
share the runtime and the one gate that knows who asks.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from calling_pipeline.api.app import create_app
from calling_pipeline.api.needs import describe_needs, described
from calling_pipeline.api.operations import Operations
from calling_pipeline.console import failing
from calling_pipeline.console.entrance import Entrance
from calling_pipeline.console.pages import (
    alerts,
    analysis,
    assets,
    audit,
    batches,
    calls,
    desk,
    exports,
    ledger,
    notifications,
    people,
    policy,
    reports,
    restored,
    runbooks,
    session,
    stats,
    takeover,
    telephony,
)
from calling_pipeline.console.pages.today import routes as today
from calling_pipeline.console.rendering import Renderer
from calling_pipeline.console.shared import Shared
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.desk.looking import LineLooks

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    session.router,
    today.router,
    alerts.router,
    runbooks.router,
    audit.router,
    *telephony.ROUTERS,
    *desk.ROUTERS,
    ledger.router,
    *people.ROUTERS,
    *policy.ROUTERS,
    *batches.ROUTERS,
    *notifications.ROUTERS,
    *stats.ROUTERS,
    *analysis.ROUTERS,
    *reports.ROUTERS,
    exports.router,
    takeover.router,
    restored.router,
    *calls.ROUTERS,
)


def create_server(runtime: Runtime) -> FastAPI:
    """The API with the console before it."""
    pages = create_pages(runtime)
    server = create_app(runtime, before=[Middleware(Entrance, pages=pages)])
    pages.state.runtime = server.state.runtime
    pages.state.patient_runtime = server.state.patient_runtime
    pages.state.gate = server.state.gate
    pages.state.server = server.state
    return server


def create_pages(runtime: Runtime) -> FastAPI:
    """The console alone; `create_server` gives it its runtime and gate."""
    pages = FastAPI(title="console", docs_url=None, redoc_url=None, openapi_url=None)
    pages.state.renderer = Renderer(runtime.settings)
    pages.state.shared = Shared()
    pages.state.line_looks = LineLooks()
    describe_needs(ROUTERS)
    pages.state.described = described(ROUTERS)
    pages.state.operations = Operations(pages.state.described)
    for router in ROUTERS:
        pages.include_router(router)
    pages.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=6)
    failing.add_handlers(pages)
    return pages
