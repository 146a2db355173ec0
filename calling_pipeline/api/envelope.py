"""The one form of every answer: `{"success": true, "data": …}` or `{"success": false, "error": "…", "field": …}`."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import core_schema

from calling_pipeline.errors import (
    Busy,
    CallingError,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidInput,
    LoginRefused,
    NotFound,
    SlowedDown,
    TransientError,
    VendorError,
)
from calling_pipeline.masking import mask_digits

Data = TypeVar("Data")


class _DescribedOnly:
    """Lets the description of the API show a type whose values are sent as they are, neither checked nor cut."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def describe(_: core_schema.CoreSchema, to_json: Any) -> Any:
            return to_json(TypeAdapter(source).core_schema)

        return core_schema.any_schema(metadata={"pydantic_js_functions": [describe]})


Described = Annotated[Data, _DescribedOnly()]
"""A `TypedDict` of a room in an answer: mypy holds the room to it, so that no request pays for a second look."""
_DESCRIBED = re.compile(r"Annotated\[(.*?), _DescribedOnly\]")


class Success(BaseModel, Generic[Data]):
    """The answer of a request that was carried out."""

    success: Literal[True] = True
    data: Data

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """The name in the description: that of the type alone."""
        return _DESCRIBED.sub(r"\1", super().model_parametrized_name(params))


class Page(BaseModel, Generic[Data]):
    """One page of a list: `total` rows there are, of which those after `offset`, at most `limit`."""

    items: list[Data]
    total: int
    limit: int
    offset: int

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """The name in the description: that of the type alone."""
        return _DESCRIBED.sub(r"\1", super().model_parametrized_name(params))


class Failure(BaseModel):
    """The answer of a request that was not carried out: one sentence, and the field it is about where there is one."""

    model_config = ConfigDict(extra="allow")

    success: Literal[False] = False
    error: str
    field: str | None = Field(None, description="left out when the failure is not about one field")


def ok(data: Data) -> Success[Data]:
    """The success answer with `data`."""
    return Success(data=data)


def page(rows: list[Data], total: int, limit: int, offset: int) -> Success[Page[Data]]:
    """The success answer with one page of a list."""
    return ok(Page(items=rows, total=total, limit=limit, offset=offset))


def answer(content: Success[Data], *, status: int = 200) -> Response:
    """`content` with a status of its own, sent as it is."""
    return Response(content.model_dump_json(), status, media_type="application/json")


def answers(shape: Any) -> dict[int | str, dict[str, Any]]:
    """The description of a route that sends `Success` with this type of data as bytes, for its `responses`."""
    return {200: {"model": Success[Annotated[shape, _DescribedOnly()]]}}


def fast_ok(data: object) -> Response:
    """The success answer encoded by msgspec: for the endpoints that everybody polls."""
    return Response(fast_body(data), media_type="application/json")


def fast_body(data: object) -> bytes:
    """The body of `fast_ok`."""
    return msgspec.json.encode({"success": True, "data": data})


def failure(status: int, sentence: str, *, field: str | None = None, **more: object) -> JSONResponse:
    """The failure answer; `more` are further keys (JSON values) beside `error`. Numbers of phones are masked."""
    named = {"field": mask_digits(field)} if field else {}
    return JSONResponse({"success": False, "error": mask_digits(sentence), **named, **more}, status_code=status)


def failure_of(error: CallingError, **more: object) -> JSONResponse:
    """The failure answer for an error of ours."""
    field = error.field if isinstance(error, InvalidInput) else None
    answer = failure(status_of(error), str(error), field=field, **more)
    if isinstance(error, SlowedDown):
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return answer


def status_of(error: CallingError) -> int:
    """The HTTP status for an error of ours."""
    match error:
        case InvalidInput():
            return 422
        case NotFound():
            return 404
        case Conflict():
            return 409
        case LoginRefused():
            return 401
        case Forbidden():
            return 403
        case SlowedDown():
            return 429
        case DatabaseUnavailable() | Busy():
            return 503
        case VendorError():
            return 502
        case TransientError():
            return 503
        case _:
            return 500
