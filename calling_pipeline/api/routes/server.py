"""The server itself: is it well, and bring its database to the newest schema."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from calling_pipeline.api.app import failure
from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.call_batches.calls import store as batch_calls
from calling_pipeline.call_stats.sync import store as record_store
from calling_pipeline.database import migrate
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications.outbox import store as outbox_store
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls import store as communications

router = APIRouter(tags=["server"])
_LAST_ANSWERS = {
    "guanke": record_store.last_vendor_answer,
    "gateway": batch_calls.last_vendor_answer,
    "infinity": communications.last_vendor_answer,
    "wecom": outbox_store.last_vendor_answer,
}


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Whether the database answers with the schema this program needs, and when each vendor last answered. Needs no token;
    503 when the database does not answer, whatever the vendors do."""
    try:
        vendors = await asyncio.to_thread(_look, request.app.state.runtime)
    except CallingError as error:
        return failure(503, str(error))
    return JSONResponse({"success": True, "data": {"database": "ok", "vendors": vendors}})


@router.post("/api/db/migrate")
async def migrate_database(request: Request, caller: Caller = Depends(requires("admin"))) -> dict[str, Any]:
    """Bring the database to the newest schema. Needs the role admin."""
    before, after = await asyncio.to_thread(migrate.upgrade, request.app.state.runtime.engine)
    return {"success": True, "data": {"before": before, "after": after}}


def _look(runtime: Runtime) -> dict[str, dict[str, str | None]]:
    with reachable(runtime.engine) as connection:
        migrate.require_current(connection)
        answered = {vendor: last_answer(connection) for vendor, last_answer in _LAST_ANSWERS.items()}
    return {vendor: {"last_answer_at": at.isoformat() if at else None} for vendor, at in answered.items()}
