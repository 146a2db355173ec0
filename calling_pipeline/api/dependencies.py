"""What routes ask for in their parameters: the runtime, ids and pages.

The caller with the role and the room that a route needs is declared at the head of each file of routes.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from psycopg_pool import AsyncConnectionPool
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from calling_pipeline import days
from calling_pipeline.runtime import Runtime

LARGEST_ID = 2**63 - 1
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _patient_runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.patient_runtime
    return runtime


async def _pool(request: Request) -> AsyncConnectionPool[Any]:
    pool: AsyncConnectionPool[Any] = request.app.state.pool
    return pool


def _not_a_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _day_named(value: Any) -> Any:
    return days.day_asked(value) if value in ("today", "yesterday") else value


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a null character")
    return text


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
PatientRuntimeDep = Annotated[Runtime, Depends(_patient_runtime)]
"""For the few acts that take longer than a request's statements may."""
PoolDep = Annotated[AsyncConnectionPool[Any], Depends(_pool)]
"""psycopg's own asynchronous pool, for the few routes where SQLAlchemy's cost per request would show."""

Whole = Annotated[int, BeforeValidator(_not_a_truth)]
"""A whole number of a body: `true` is none."""
Day = Annotated[dt.date, BeforeValidator(_day_named)]
"""A day of a parameter or a body: YYYY-MM-DD, `today` or `yesterday`."""
Real = Annotated[float, BeforeValidator(_not_a_truth)]
Id = Annotated[Whole, Field(ge=1, le=LARGEST_ID)]
PathId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Text = Annotated[str, AfterValidator(_storable)]
Short = Annotated[str, StringConstraints(max_length=200, pattern=PRINTABLE, strip_whitespace=True)]
Limit = Annotated[int, Query(ge=1, le=1000, description="rows of this page")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="rows before this page")]
Tenant = Annotated[Id | None, Query(description="the tenant; needed when the token is not bound to one and it matters")]
