"""The HTTP API: one application over a `Runtime`. Routes live in `routes/`, one file a room."""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from calling_pipeline import __version__
from calling_pipeline.api.auth import Tokens
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.errors import (
    Busy,
    CallingError,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidInput,
    NotFound,
    TransientError,
    VendorError,
)
from calling_pipeline.runtime import Runtime

ROUTERS: tuple[str, ...] = (
    "stats",  # first: routes are tried in order, and these are polled
    "calls",
    "telephony.configurations",
    "telephony.extensions",
    "telephony.calls",
    "server",
    "tasks",
)
"""Modules of `routes/`, each with a `router`."""

_log = logging.getLogger(__name__)


def create_app(runtime: Runtime) -> FastAPI:
    """The application. `app.state.runtime` serves ordinary routes; `app.state.pool` is psycopg's own asynchronous
    pool for the few routes where SQLAlchemy's cost per request would show."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncConnectionPool(
            driver_dsn(runtime.database_url), min_size=2, max_size=16, open=False, kwargs={"autocommit": True}
        ) as pool:
            app.state.pool = pool
            yield
        runtime.close()

    app = FastAPI(title="calling_pipeline", version=__version__, lifespan=lifespan)
    app.state.runtime = runtime
    app.state.refreshes = {}
    app.state.tokens = Tokens(runtime.settings.token_grants())
    for name in ROUTERS:
        app.include_router(importlib.import_module(f"calling_pipeline.api.routes.{name}").router)
    app.add_exception_handler(CallingError, _calling_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _database_error)
    return app


def failure(status: int, sentence: str, **more: Any) -> JSONResponse:
    """`{"success": false, "error": sentence}` with `status`."""
    return JSONResponse({"success": False, "error": sentence, **more}, status_code=status)


def status_of(error: CallingError) -> int:
    """The HTTP status an error of ours answers with."""
    match error:
        case InvalidInput():
            return 422
        case NotFound():
            return 404
        case Conflict():
            return 409
        case Forbidden():
            return 403
        case DatabaseUnavailable() | Busy():
            return 503
        case VendorError():
            return 502
        case TransientError():
            return 503
        case _:
            return 500


async def _calling_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CallingError)
    field = {"field": error.field} if isinstance(error, InvalidInput) and error.field else {}
    return failure(status_of(error), str(error), **field)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answer = failure(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return failure(422, f"{name}: {first['msg']}", field=name)


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    _log.error("database failure at %s: %s", request.url.path, type(error).__name__)
    return failure(503, "the database could not answer; try again shortly")
