"""Telephony over HTTP: tenants' accounts with Infinity, the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Request

from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.api.routes.telephony.schemas import (
    PREFIX,
    ConfigChange,
    ConfigCreate,
    ConfigStatus,
    Id,
    Limit,
    Offset,
    SecretRotation,
    Short,
    Tenant,
    listed,
    ok,
    own_tenant,
    scope,
    visible,
)
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import Config
from calling_pipeline.telephony.tenants import configurations
from calling_pipeline.telephony.tenants import store as tenant_store


@asynccontextmanager
async def _desk(app: FastAPI) -> AsyncIterator[None]:
    """Connections to the tenants' Infinity, kept while the server runs."""
    runtime: Runtime = app.state.runtime
    async with runtime.telephony() as deps:
        app.state.telephony = deps
        yield


router = APIRouter(prefix=PREFIX, tags=["telephony: configurations"], lifespan=_desk)

Viewer = Annotated[Caller, Depends(requires("viewer"))]
Admin = Annotated[Caller, Depends(requires("admin"))]
Operator = Annotated[Caller, Depends(requires("operator"))]


@router.post("/configs", summary="Create a tenant's configuration", status_code=201)
def create(body: ConfigCreate, request: Request, caller: Admin) -> dict[str, Any]:
    """The answer shows the callback secret, this once."""
    runtime: Runtime = request.app.state.runtime
    tenant_id = own_tenant(caller, body.tenant_id)
    configurations.check_address(body.api_url, allow_private=runtime.settings.allow_private_urls)
    with runtime.transaction() as connection:
        made, secret = configurations.create(connection, runtime.secrets, tenant_id, body.given(), who=caller.name)
    return ok({**asdict(made), "callback_secret": secret})


@router.get("/configs", summary="List configurations")
def show_all(
    request: Request,
    caller: Viewer,
    tenant_id: Tenant = None,
    enabled: bool | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Tokens and secrets are masked."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        rows, total = configurations.page(
            connection,
            runtime.secrets,
            tenant_id=scope(caller, tenant_id),
            enabled=enabled,
            limit=limit,
            offset=offset,
        )
    return listed(rows, total, limit, offset)


@router.get("/configs/tenant/{tenant_id}", summary="Read a tenant's configuration")
def show_of_tenant(tenant_id: Id, request: Request, caller: Viewer) -> dict[str, Any]:
    """His enabled one, else the newest."""
    runtime: Runtime = request.app.state.runtime
    visible(caller, tenant_id, "tenant")
    with runtime.transaction() as connection:
        return ok(asdict(configurations.of_tenant(connection, runtime.secrets, tenant_id)))


@router.get("/configs/{config_id}", summary="Read a configuration")
def show(config_id: Id, request: Request, caller: Viewer) -> dict[str, Any]:
    """Tokens and secrets are masked."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        return ok(asdict(_visible(connection, runtime, config_id, caller)))


@router.patch("/configs/{config_id}", summary="Change a configuration")
@router.put("/configs/{config_id}", summary="Change a configuration", include_in_schema=False)
def change(config_id: Id, body: ConfigChange, request: Request, caller: Admin) -> dict[str, Any]:
    """What is left out stays as it is; an empty `caller_range_start` removes the range."""
    runtime: Runtime = request.app.state.runtime
    if body.api_url is not None:
        configurations.check_address(body.api_url, allow_private=runtime.settings.allow_private_urls)
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        return ok(asdict(configurations.change(connection, runtime.secrets, config_id, body.given(), who=caller.name)))


@router.delete("/configs/{config_id}", summary="Delete a configuration and its pool")
def delete(config_id: Id, request: Request, caller: Admin) -> dict[str, Any]:
    """Refused while a call is open. Its calls stay on record."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        configurations.delete(connection, runtime.secrets, config_id, who=caller.name)
    return ok({"id": config_id, "deleted": True})


@router.post("/configs/{config_id}/status", summary="Enable or disable a configuration")
def set_status(config_id: Id, body: ConfigStatus, request: Request, caller: Admin) -> dict[str, Any]:
    """A disabled configuration lends nothing; calls under way end as usual."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        changes = {"enabled": body.enabled}
        return ok(asdict(configurations.change(connection, runtime.secrets, config_id, changes, who=caller.name)))


@router.post("/configs/{config_id}/test-connection", summary="Log in to Infinity and say how long it took")
async def test_connection(config_id: Id, request: Request, caller: Operator) -> dict[str, Any]:
    """A failure is an answer with `reachable` false and the reason."""
    deps: TelephonyDependencies = request.app.state.telephony
    account = await _in_thread(_account, request.app.state.runtime, config_id, caller)
    return ok(asdict(await configurations.test_connection(deps, account)))


@router.post("/configs/{config_id}/rotate-callback-secret", summary="Replace the callback secret")
def rotate(config_id: Id, body: SecretRotation, request: Request, caller: Admin) -> dict[str, Any]:
    """Both secrets are valid while the overlap lasts. The answer shows the new one, this once."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        after, secret = configurations.rotate_callback_secret(
            connection,
            runtime.secrets,
            config_id,
            secret=body.callback_secret,
            overlap_s=body.overlap_s,
            who=caller.name,
        )
    return ok({**asdict(after), "callback_secret": secret})


@router.get("/audit", summary="Who changed what", tags=["telephony: audit"])
def audit(
    request: Request,
    caller: Operator,
    tenant_id: Tenant = None,
    subject: Short | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The newest changes first; `subject` is `config:1`, `extension:7`, `collector:3`."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        rows, total = tenant_store.audit(
            connection, tenant_id=scope(caller, tenant_id), subject=subject, limit=limit, offset=offset
        )
    return listed(rows, total, limit, offset)


def _visible(connection: sa.Connection, runtime: Runtime, config_id: int, caller: Caller) -> Config:
    found = configurations.find(connection, runtime.secrets, config_id)
    visible(caller, found.tenant_id, "Infinity configuration")
    return found


def _account(runtime: Runtime, config_id: int, caller: Caller) -> Any:
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        return configurations.account_of(connection, runtime.secrets, config_id)


async def _in_thread(act: Any, *arguments: Any) -> Any:
    import asyncio

    return await asyncio.to_thread(act, *arguments)
