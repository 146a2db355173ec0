"""Every error becomes the one failure answer: ours, the framework's, the database's, and a fault of the program."""

from __future__ import annotations

import logging

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from calling_pipeline.api.answers import FAULT
from calling_pipeline.api.envelope import failure, failure_of
from calling_pipeline.errors import CallingError

_log = logging.getLogger(__name__)
_SENTENCES = {
    (404, "Not Found"): "there is no such path; the description is at /docs",
    (405, "Method Not Allowed"): "this path does not take this method; the description is at /docs",
}
_TOO_LATE = ("57014", "55P03")  # statement_timeout, lock_timeout


def add_handlers(app: FastAPI) -> None:
    """Let `app` answer every error in the one form."""
    app.add_exception_handler(CallingError, _calling_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _database_error)
    app.add_exception_handler(psycopg.Error, _database_error)
    app.add_exception_handler(Exception, _fault)


async def _calling_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CallingError)
    return failure_of(error)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get((error.status_code, error.detail), str(error.detail))
    answer = failure(error.status_code, sentence)
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return failure(422, f"the body is not valid JSON, at character {first['loc'][-1]}")
    name = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return failure(422, f"{name}: {first['msg']}", field=name)


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    status, sentence = sentence_of(error)
    return failure(status, sentence)


def sentence_of(error: Exception) -> tuple[int, str]:
    """The status and the sentence for an error of the database, which is logged without its values."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    _log.error("the database refused: %s (%s)", type(error).__name__, state or "no state")
    if state in _TOO_LATE:
        return 503, "the database did not finish in the time that a request has; ask for less, or try again shortly"
    if isinstance(original, psycopg.DataError):
        return 422, "a value is outside what can be stored; check its numbers and lengths"
    return 503, "the database could not answer; try again shortly"


async def _fault(request: Request, error: Exception) -> JSONResponse:
    """The traceback goes to the server's log; the caller learns only that it is not the caller's fault."""
    return failure(500, FAULT)
