"""The one `TelephonyDependencies` of a server: its connections to the tenants' Infinity live as long as the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.dependencies import TelephonyDependencies


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of telephony's routes."""
    runtime: Runtime = app.state.runtime
    async with TelephonyDependencies.from_runtime(runtime) as app.state.telephony:
        yield


async def _telephony(request: Request) -> TelephonyDependencies:
    found: TelephonyDependencies = request.app.state.telephony
    return found


Viewer = Annotated[Caller, Depends(requires("viewer", "telephony"))]
OwnViewer = Annotated[Caller, Depends(requires("viewer", "telephony", own=True))]
Collector = Annotated[Caller, Depends(requires("collector", "telephony", own=True))]
"""Routes with these narrow a caller who is bound to a collector to that collector's own calls."""
Operator = Annotated[Caller, Depends(requires("operator", "telephony"))]
Admin = Annotated[Caller, Depends(requires("admin", "telephony"))]
TelephonyDep = Annotated[TelephonyDependencies, Depends(_telephony)]
