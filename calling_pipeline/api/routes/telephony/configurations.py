"""Telephony over HTTP: tenants' accounts with Infinity, the audit log."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import sqlalchemy as sa
from fastapi import APIRouter

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.dependencies import Id, Limit, Offset, RuntimeDep, Short, Tenant
from calling_pipeline.api.envelope import Page, Success, ok, page
from calling_pipeline.api.routes.telephony.bodies import (
    PREFIX,
    ConfigChange,
    ConfigCreate,
    ConfigStatus,
    ConnectionTest,
    Deleted,
    SecretRotation,
)
from calling_pipeline.api.routes.telephony.dependencies import Admin, Operator, TelephonyDep, Viewer, connected
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.dependencies import infinity_client
from calling_pipeline.telephony.records import Account, AuditRow, Config
from calling_pipeline.telephony.tenants import accounts, configurations, trying
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.telephony.tenants.settings import check_address
from calling_pipeline.vendors.url_guard import Reach

router = APIRouter(prefix=PREFIX, tags=["telephony: configurations"], lifespan=connected)


@router.post("/configs", summary="Create a tenant's configuration", status_code=201)
def create(body: ConfigCreate, runtime: RuntimeDep, caller: Admin) -> Success[Config]:
    """The answer shows the callback secret, this once."""
    tenant_id = caller.own_tenant(body.tenant_id)
    check_address(body.api_url, Reach.of(runtime.settings))
    with runtime.transaction() as connection:
        made, secret = configurations.create(connection, runtime.secrets, tenant_id, body.given(), who=caller.name)
    return ok(replace(made, callback_secret=secret))


@router.get("/configs", summary="List configurations")
def show_all(
    runtime: RuntimeDep,
    caller: Viewer,
    tenant_id: Tenant = None,
    enabled: bool | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Config]]:
    """Tokens and secrets are masked."""
    with runtime.transaction() as connection:
        rows, total = configurations.page(
            connection,
            runtime.secrets,
            tenant_id=caller.scope(tenant_id),
            enabled=enabled,
            limit=limit,
            offset=offset,
        )
    return page(rows, total, limit, offset)


@router.get("/configs/tenant/{tenant_id}", summary="Read a tenant's configuration")
def show_of_tenant(tenant_id: Id, runtime: RuntimeDep, caller: Viewer) -> Success[Config]:
    """The enabled one, else the newest."""
    caller.require_visible(tenant_id, "tenant")
    with runtime.transaction() as connection:
        return ok(configurations.of_tenant(connection, runtime.secrets, tenant_id))


@router.get("/configs/{config_id}", summary="Read a configuration")
def show(config_id: Id, runtime: RuntimeDep, caller: Viewer) -> Success[Config]:
    """Tokens and secrets are masked."""
    with runtime.transaction() as connection:
        return ok(_visible(connection, runtime, config_id, caller))


@router.patch("/configs/{config_id}", summary="Change a configuration")
@router.put("/configs/{config_id}", summary="Change a configuration", include_in_schema=False)
def change(config_id: Id, body: ConfigChange, runtime: RuntimeDep, caller: Admin) -> Success[Config]:
    """What is left out stays as it is; an empty `caller_range_start` removes the range.

    A new `api_url` needs `access_key` again.
    """
    if body.api_url is not None:
        check_address(body.api_url, Reach.of(runtime.settings))
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        return ok(configurations.change(connection, runtime.secrets, config_id, body.given(), who=caller.name))


@router.delete("/configs/{config_id}", summary="Delete a configuration and its pool")
def delete(config_id: Id, runtime: RuntimeDep, caller: Admin) -> Success[Deleted]:
    """Refused while a call is open. Its calls stay on record."""
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        configurations.delete(connection, runtime.secrets, config_id, who=caller.name)
    return ok(Deleted(id=config_id))


@router.post("/configs/{config_id}/status", summary="Enable or disable a configuration")
def set_status(config_id: Id, body: ConfigStatus, runtime: RuntimeDep, caller: Admin) -> Success[Config]:
    """A disabled configuration allocates nothing; calls under way end as usual."""
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        changes = {"enabled": body.enabled}
        return ok(configurations.change(connection, runtime.secrets, config_id, changes, who=caller.name))


@router.post("/configs/{config_id}/test-connection", summary="Log in to Infinity and say how long it took")
async def test_connection(
    config_id: Id, runtime: RuntimeDep, telephony: TelephonyDep, caller: Operator
) -> Success[accounts.Tested]:
    """A failure is an answer with `reachable` false and the reason."""
    account = await asyncio.to_thread(_account, runtime, config_id, caller)
    return ok(await accounts.test_login(telephony.client(account)))


@router.post("/configs/test-connection", summary="Try an account before it is kept")
async def test_unsaved(body: ConnectionTest, runtime: RuntimeDep, caller: Admin) -> Success[accounts.Tested]:
    """Logs in with the values given and keeps none of them. A failure is an answer with `reachable` false and the reason.

    With `config_id` what is left out is that configuration's. An address that no configuration may have is refused.
    """
    account = await asyncio.to_thread(_account_to_try, runtime, body, caller)
    reach = Reach.of(runtime.settings)
    return ok(await trying.try_account(lambda one: infinity_client(runtime, one), reach, account))


@router.post("/configs/{config_id}/rotate-callback-secret", summary="Replace the callback secret")
def rotate(config_id: Id, body: SecretRotation, runtime: RuntimeDep, caller: Admin) -> Success[Config]:
    """Both secrets are valid while the overlap lasts. The answer shows the new one, this once."""
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
    return ok(replace(after, callback_secret=secret))


@router.get("/audit", summary="Who changed what", tags=["telephony: audit"])
def audit(
    runtime: RuntimeDep,
    caller: Operator,
    tenant_id: Tenant = None,
    subject: Short | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[AuditRow]]:
    """The newest changes first; `subject` is `config:1`, `extension:7`, `collector:3`."""
    with runtime.transaction() as connection:
        rows, total = tenant_store.audit(
            connection, tenant_id=caller.scope(tenant_id), subject=subject, limit=limit, offset=offset
        )
    return page(rows, total, limit, offset)


def _visible(connection: sa.Connection, runtime: Runtime, config_id: int, caller: Caller) -> Config:
    found = configurations.find(connection, runtime.secrets, config_id)
    caller.require_visible(found.tenant_id, "Infinity configuration")
    return found


def _account_to_try(runtime: Runtime, body: ConnectionTest, caller: Caller) -> Account:
    with runtime.transaction() as connection:
        if body.config_id is not None:
            _visible(connection, runtime, body.config_id, caller)
        return trying.account_to_try(connection, runtime.secrets, vars(body), config_id=body.config_id, by=caller.name)


def _account(runtime: Runtime, config_id: int, caller: Caller) -> Account:
    with runtime.transaction() as connection:
        _visible(connection, runtime, config_id, caller)
        return trying.stored_account(connection, runtime.secrets, config_id, by=caller.name)
