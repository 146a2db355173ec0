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
from calling_pipeline.database import migrate, revisions
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications import outboxes
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls import store as communications

router = APIRouter(tags=["server"])
Admin = Annotated[Caller, Depends(requires("admin", "migrate"))]
_UNSAID = "not well; a request with a token says why"
_LAST_ANSWERS = {
    "guanke": stats_store.last_vendor_answer,
    "gateway": batch_calls.last_vendor_answer,
    "infinity": communications.last_vendor_answer,
    "wecom": outboxes.last_vendor_answer,
}


class Alive(BaseModel):
    """What everybody may know."""

    alive: Literal[True] = True


class Ready(BaseModel):
    """It can serve requests now; with a token also the revision of the schema, and how it stands to this program."""

    ready: Literal[True] = True
    schema_revision: str | None = None
    standing: Literal["current", "newer"] | None = None


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
        return failure(503, str(error) if await _is_known(request) else _UNSAID)


@router.get("/livez")
async def livez(request: Request) -> Success[Alive]:
    """The process answers. It asks nobody else: a database that is away is no reason to restart it."""
    request.scope["polled"] = True
    return ok(Alive())


@router.get("/readyz", response_model=Success[Ready])
async def readyz(request: Request, runtime: RuntimeDep) -> object:
    """Ready to serve requests or not, for load balancers; with a token also why.

    503 when the database does not answer, or its schema is older than this program. One that is newer stops nobody who is
    there already: a release migrates first and then replaces the processes.
    """
    request.scope["polled"] = True
    try:
        revision, standing = await asyncio.to_thread(_schema, runtime)
    except CallingError as error:
        return failure(503, str(error) if await _is_known(request) else _UNSAID)
    if standing in ("empty", "older"):
        said = f"the database schema ({revision or 'none'}) is older than this program; run `calling-pipeline migrate`"
        return failure(503, said if await _is_known(request) else _UNSAID)
    known = "authorization" in request.headers and await _is_known(request)
    return ok(Ready(schema_revision=revision, standing=standing) if known else Ready())


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


def _schema(runtime: Runtime) -> tuple[str | None, revisions.Standing]:
    with reachable(runtime.engine) as connection:
        return revisions.standing(connection)


def _look(runtime: Runtime) -> dict[str, VendorHealth]:
    with reachable(runtime.engine) as connection:
        revisions.require_current(connection)
        return {
            vendor: VendorHealth(last_answer_at=last_answer(connection)) for vendor, last_answer in _LAST_ANSWERS.items()
        }
