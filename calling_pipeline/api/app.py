"""The HTTP API: one application over a `Runtime`. Routes live in `routes/`, one file or folder a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from calling_pipeline import __version__
from calling_pipeline.api import description, failures
from calling_pipeline.api.answers import Answers
from calling_pipeline.api.auth import Gate
from calling_pipeline.api.entrance import ApiDoor
from calling_pipeline.api.envelope import Failure
from calling_pipeline.api.limits import Limits
from calling_pipeline.api.needs import describe_needs
from calling_pipeline.api.polled_days import PolledDays
from calling_pipeline.api.routes import (
    alerts,
    analysis,
    audit,
    call_history,
    call_stats,
    contact_policy,
    exports,
    ledger_lists,
    metrics,
    people,
    persons,
    report_mail,
    reports,
    restored,
    server,
    session,
    status,
    takeovers,
    task_ledger,
)
from calling_pipeline.api.routes.call_batches import batches, tasks
from calling_pipeline.api.routes.notifications import deciding, reading
from calling_pipeline.api.routes.telephony import callbacks, calls, cases, collectors, configurations, extensions, samples
from calling_pipeline.database.engine import driver_dsn, session_limits
from calling_pipeline.database.lasting_pool import LastingPool
from calling_pipeline.metrics.scraping import Scraper
from calling_pipeline.runtime import Runtime

ROUTERS = (
    call_stats.router,  # first: routes are tried in order, and these are polled
    calls.router,  # then those that calls and their callbacks wait for
    tasks.router,
    batches.router,
    call_history.router,
    configurations.router,
    extensions.router,
    collectors.router,
    callbacks.router,
    cases.router,
    samples.router,
    server.router,
    metrics.router,
    status.router,
    task_ledger.router,
    alerts.router,
    people.router,
    audit.router,
    session.router,
    reading.router,
    deciding.router,
    contact_policy.router,
    ledger_lists.router,
    analysis.router,
    report_mail.router,
    reports.router,
    exports.router,
    takeovers.router,
    restored.router,
    persons.router,
)
_ERRORS: dict[int | str, dict[str, object]] = {
    "default": {"model": Failure, "description": "every error, whatever its status"}
}


def create_app(runtime: Runtime, *, before: Sequence[Middleware] = ()) -> FastAPI:
    """The application. What routes get from it is in `dependencies.py`; `before` sees requests before its limits."""

    settings = runtime.settings
    options = session_limits(settings.api_statement_timeout_s, settings.api_lock_timeout_s)
    limited = runtime.with_sessions(options)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with LastingPool(driver_dsn(runtime.direct_url, options=options), min_size=2, max_size=16) as pool:
            app.state.pool = app.state.gate.pool = pool
            await asyncio.to_thread(app.openapi)  # the first request needs it, and would make all others wait
            yield
        app.state.scraper.close()
        limited.close()
        runtime.close()

    app = FastAPI(
        title="calling_pipeline", version=__version__, lifespan=lifespan, responses=_ERRORS, docs_url=None, redoc_url=None
    )
    app.state.runtime = limited
    app.state.patient_runtime = runtime
    app.state.gate = Gate(runtime.settings)
    app.state.scraper = Scraper(runtime)
    describe_needs(ROUTERS)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(description.router)
    app.add_middleware(Limits, describe=app.openapi)
    for one in before:
        app.add_middleware(one.cls, *one.args, **one.kwargs)
    app.add_middleware(PolledDays)
    app.add_middleware(ApiDoor)
    app.add_middleware(Answers)
    failures.add_handlers(app)
    return app
