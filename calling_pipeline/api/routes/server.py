"""The server itself: is it well, and bring its database to the newest schema."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from calling_pipeline.access.caller import Caller
from calling_pipeline.access.migrated import after_migration
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PatientRuntimeDep, RuntimeDep
from calling_pipeline.api.envelope import Success, failure, ok
from calling_pipeline.call_batches.calls import store as batch_calls
from calling_pipeline.call_stats import store as stats_store
from calling_pipeline.call_stats.older_hashes.forward import bring_forward
from calling_pipeline.database import migrate
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications import outboxes
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls import store as communications

router = APIRouter(tags=["server"])
Admin = Annotated[Caller, Depends(requires("admin", "migrate"))]
_LAST_ANSWERS = {
    "guanke": stats_store.last_vendor_answer,
    "gateway": batch_calls.last_vendor_answer,
    "infinity": communications.last_vendor_answer,
    "wecom": outboxes.last_vendor_answer,
}


class Alive(BaseModel):
    """What everybody may know."""

    alive: Literal[True] = True


class VendorHealth(BaseModel):
    """When a vendor last answered."""

    last_answer_at: dt.datetime | None


class Health(BaseModel):
    """The database answers with the schema this program needs."""

    database: Literal["ok"] = "ok"
    vendors: dict[str, VendorHealth]


class Migrated(BaseModel):
    """The schema's revision before and after."""

    before: str | None
    after: str


@router.get("/healthz", response_model=Success[Health | Alive])
async def healthz(request: Request, runtime: RuntimeDep) -> object:
    """Alive or not; with a token also when each vendor last answered, and what is wrong.

    503 when the database does not answer with the right schema, whatever the vendors do.
    """
    try:
        health = Health(vendors=await asyncio.to_thread(_look, runtime))
        return ok(health if await _is_known(request) else Alive())
    except CallingError as error:
        return failure(503, str(error) if await _is_known(request) else "not well; a request with a token says why")


async def _is_known(request: Request) -> bool:
    gate = request.app.state.gate
    try:
        return await gate.caller(gate.shown_by(request.scope)) is not None
    except CallingError:
        return False


@router.post("/api/db/migrate")
async def migrate_database(runtime: PatientRuntimeDep, caller: Admin) -> Success[Migrated]:
    """Bring the database to the newest schema. Needs the role admin."""
    before, after = await asyncio.to_thread(_migrate, runtime, caller.name)
    return ok(Migrated(before=before, after=after))


def _migrate(runtime: Runtime, by: str) -> tuple[str | None, str]:
    before, after = migrate.upgrade(runtime.engine)
    with runtime.transaction() as connection:
        after_migration(connection, before, after, by=by)
    bring_forward(runtime.engine, runtime.phone_key)
    return before, after


def _look(runtime: Runtime) -> dict[str, VendorHealth]:
    with reachable(runtime.engine) as connection:
        migrate.require_current(connection)
        return {
            vendor: VendorHealth(last_answer_at=last_answer(connection)) for vendor, last_answer in _LAST_ANSWERS.items()
        }
