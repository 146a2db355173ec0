"""The server itself: is it well, and bring its database to the newest schema."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from calling_pipeline.api.app import failure
from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.database import migrate
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime

router = APIRouter(tags=["server"])


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Whether the database answers with the schema this program needs. Needs no token; 503 when it does not."""
    try:
        await asyncio.to_thread(_require_database, request.app.state.runtime)
    except CallingError as error:
        return failure(503, str(error))
    return JSONResponse({"success": True, "data": {"database": "ok"}})


@router.post("/api/db/migrate")
async def migrate_database(request: Request, caller: Caller = Depends(requires("admin"))) -> dict[str, Any]:
    """Bring the database to the newest schema. Needs the role admin."""
    before, after = await asyncio.to_thread(migrate.upgrade, request.app.state.runtime.engine)
    return {"success": True, "data": {"before": before, "after": after}}


def _require_database(runtime: Runtime) -> None:
    with reachable(runtime.engine) as connection:
        migrate.require_current(connection)
