"""Every error of the console as a page, or as a sentence in the form that was sent, which keeps what was typed."""

from __future__ import annotations

import math

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import Gate
from calling_pipeline.api.envelope import status_of
from calling_pipeline.api.failures import sentence_of
from calling_pipeline.console.views import language_of, render
from calling_pipeline.errors import CallingError, InvalidInput, SlowedDown
from calling_pipeline.masking import mask_digits

FORM_NOTICE = "find .form-notice"
"""Where a form shows why it was refused."""


def add_handlers(pages: FastAPI) -> None:
    """Let `pages` answer every error in a form that people read."""
    pages.add_exception_handler(CallingError, _calling_error)
    pages.add_exception_handler(HTTPException, _http_error)
    pages.add_exception_handler(RequestValidationError, _invalid)
    pages.add_exception_handler(SQLAlchemyError, _database_error)
    pages.add_exception_handler(psycopg.Error, _database_error)


def login_wanted(request: Request) -> Response:
    """The answer to a request of nobody known: the form to log in, over the page that asked."""
    answer = render(request, "login_again.html", None, status=401, by_script="hx-request" in request.headers)
    if "hx-request" in request.headers:
        answer.headers["HX-Retarget"] = "#dialog-body"
        answer.headers["HX-Reswap"] = "innerHTML"
        answer.headers["HX-Reselect"] = "#act"
    return answer


async def _calling_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CallingError)
    field = error.field if isinstance(error, InvalidInput) else None
    answer = await _answer(request, status_of(error), str(error), field=field)
    if isinstance(error, SlowedDown):
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return answer


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 401:
        return login_wanted(request)
    return await _answer(request, error.status_code, "" if error.status_code in (404, 405) else str(error.detail))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return await _answer(request, 422, f"{name}: {first['msg']}", field=name)


async def _database_error(request: Request, error: Exception) -> Response:
    status, sentence = sentence_of(error)
    return await _answer(request, status, sentence)


async def _answer(request: Request, status: int, sentence: str, *, field: str | None = None) -> Response:
    said = {"http": status, "sentence": mask_digits(sentence), "field": field}
    caller = await _caller(request)
    if "hx-request" in request.headers:
        return within_form(render(request, "parts/refused.html", caller, status=status, **said))
    key = f"errors.title_{status}"
    catalogue = request.app.state.renderer.catalogue
    title = catalogue.text(key if key in catalogue.keys else "errors.title_other", language_of(request, caller))
    return render(request, "error.html", caller, status=status, title=title, **said)


def within_form(answer: Response) -> Response:
    """The answer, shown in the form that was sent, which keeps what was typed."""
    answer.headers.update({"HX-Retarget": FORM_NOTICE, "HX-Reswap": "innerHTML", "HX-Reselect": ".notice"})
    return answer


async def _caller(request: Request) -> Caller | None:
    gate: Gate = request.app.state.gate
    try:
        return await gate.caller(gate.shown_by(request.scope))
    except CallingError:
        return None
