"""Every error becomes the one failure answer: ours, the framework's, the database's, and a fault of the program."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException

from calling_pipeline.api.envelope import failure, failure_of
from calling_pipeline.errors import CallingError

_log = logging.getLogger(__name__)


def add_handlers(app: FastAPI) -> None:
    """Let `app` answer every error in the one form."""
    app.add_exception_handler(CallingError, _calling_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _database_error)
    app.add_exception_handler(Exception, _fault)


async def _calling_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CallingError)
    return failure_of(error)


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
    if isinstance(error, DataError):
        return failure(422, "a value is outside what can be stored; check its numbers and lengths")
    _log.error("database failure at %s: %s", request.url.path, type(error).__name__)
    return failure(503, "the database could not answer; try again shortly")


async def _fault(request: Request, error: Exception) -> JSONResponse:
    """The traceback goes to the server's log; the caller learns only that it is not the caller's fault."""
    return failure(500, "the server failed to answer this request; its log says why")
