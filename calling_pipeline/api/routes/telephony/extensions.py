"""Telephony over HTTP: the extension pool and the collectors it is lent to."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime

from calling_pipeline import days
from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.api.routes.telephony.schemas import (
    PREFIX,
    CollectorChange,
    CollectorCreate,
    ExtensionCreate,
    ExtensionImport,
    ExtensionRelease,
    ExtensionState,
    Id,
    Limit,
    Offset,
    Short,
    Tenant,
    listed,
    ok,
    own_tenant,
    scope,
    visible,
)
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.release import release_collector, release_extension
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Extension
from calling_pipeline.telephony.records import ExtensionState as State
from calling_pipeline.telephony.tenants import collectors
from calling_pipeline.telephony.tenants import store as tenant_store

router = APIRouter(prefix=PREFIX, tags=["telephony: extensions"])
_collectors = APIRouter(tags=["telephony: collectors"])

Viewer = Annotated[Caller, Depends(requires("viewer"))]
Operator = Annotated[Caller, Depends(requires("operator"))]


@router.post("/extensions", summary="Add an extension", status_code=201)
def add(body: ExtensionCreate, request: Request, caller: Operator) -> dict[str, Any]:
    """409 when the configuration's pool has it already."""
    with _runtime(request).transaction() as connection:
        _config_visible(connection, body.config_id, caller)
        return ok(asdict(extensions.add(connection, body.config_id, body.number, body.label, who=caller.name)))


@router.post("/extensions/import", summary="Import many extensions")
def bulk_import(body: ExtensionImport, request: Request, caller: Operator) -> dict[str, Any]:
    """Every row gets its result: imported, duplicate_in_file, already_there or invalid."""
    if (body.rows is None) == (body.csv is None):
        raise InvalidInput("give either rows or csv", field="rows")
    given = [(row, "") if isinstance(row, str) else (row.number, row.label) for row in body.rows or []]
    with _runtime(request).transaction() as connection:
        _config_visible(connection, body.config_id, caller)
        rows = given if body.csv is None else extensions.read_csv(body.csv)
        results = extensions.bulk_import(connection, body.config_id, rows, who=caller.name)
    return ok({"counts": extensions.counts(results), "rows": [asdict(row) for row in results]})


@router.get("/extensions", summary="List extensions")
def show_all(
    request: Request,
    caller: Viewer,
    tenant_id: Tenant = None,
    config_id: Id | None = None,
    state: State | None = None,
    collector_id: Id | None = None,
    number: Short | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Filters: configuration, state, holder, beginning of the number."""
    with _runtime(request).transaction() as connection:
        rows, total = pool_store.page(
            connection,
            tenant_id=scope(caller, tenant_id),
            config_id=config_id,
            state=state,
            holder=collector_id,
            number=number,
            limit=limit,
            offset=offset,
        )
    return listed(rows, total, limit, offset)


@router.get("/extensions/statistics", summary="The pool by tenant and configuration")
def statistics(request: Request, caller: Viewer, tenant_id: Tenant = None, config_id: Id | None = None) -> dict[str, Any]:
    """How many are available, cooling down, in use, offline, in quarantine, and the utilisation."""
    with _runtime(request).transaction() as connection:
        rows = pool_store.statistics(connection, days.now(), tenant_id=scope(caller, tenant_id), config_id=config_id)
    return ok([asdict(row) for row in rows])


@router.get("/extensions/utilisation", summary="Utilisation history")
def utilisation(
    request: Request,
    caller: Viewer,
    tenant_id: Tenant = None,
    config_id: Id | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 1000,
) -> dict[str, Any]:
    """Snapshots, oldest first; the last day without `since`."""
    now = days.now()
    with _runtime(request).transaction() as connection:
        rows = pool_store.utilisation(
            connection,
            since or now - dt.timedelta(days=1),
            until or now,
            tenant_id=scope(caller, tenant_id),
            config_id=config_id,
            limit=limit,
        )
    return ok(rows)


@router.post("/extensions/force-release/{collector_id}", summary="Free whatever a collector holds")
def force_release(collector_id: Id, request: Request, caller: Operator, tenant_id: Tenant = None) -> dict[str, Any]:
    """His open call, if any, becomes `unknown`."""
    tenant = own_tenant(caller, tenant_id)
    with _runtime(request).transaction() as connection:
        released = release_collector(connection, tenant, collector_id, who=caller.name)
    return ok({"released": released})


@router.get("/extensions/{extension_id}", summary="Read an extension")
def show(extension_id: Id, request: Request, caller: Viewer) -> dict[str, Any]:
    """Who holds it, since when, under which token."""
    with _runtime(request).transaction() as connection:
        return ok(asdict(_visible(connection, extension_id, caller)))


@router.patch("/extensions/{extension_id}/state", summary="Take an extension offline or bring it back")
@router.put("/extensions/{extension_id}/state", summary="The same", include_in_schema=False)
def set_state(extension_id: Id, body: ExtensionState, request: Request, caller: Operator) -> dict[str, Any]:
    """One in use finishes its call first: it is `draining` until then."""
    with _runtime(request).transaction() as connection:
        _visible(connection, extension_id, caller)
        after = extensions.set_state(connection, extension_id, body.state, reason=body.reason, who=caller.name)
    return ok(asdict(after))


@router.delete("/extensions/{extension_id}", summary="Delete an extension")
def delete(extension_id: Id, request: Request, caller: Operator) -> dict[str, Any]:
    """409 while it is in use."""
    with _runtime(request).transaction() as connection:
        _visible(connection, extension_id, caller)
        extensions.delete(connection, extension_id, who=caller.name)
    return ok({"id": extension_id, "deleted": True})


@router.post("/extensions/{extension_id}/release", summary="Release an extension")
def release(extension_id: Id, request: Request, caller: Operator, body: ExtensionRelease | None = None) -> dict[str, Any]:
    """`released` false, and nothing changed, when it is not lent, or not under the token given."""
    with _runtime(request).transaction() as connection:
        _visible(connection, extension_id, caller)
        done = release_extension(connection, extension_id, body.fence if body else None, who=caller.name)
        return ok({"released": done, "extension": asdict(extensions.find(connection, extension_id))})


@_collectors.post("/collectors", summary="Add a collector", status_code=201)
def add_collector(body: CollectorCreate, request: Request, caller: Operator) -> dict[str, Any]:
    """His callback number is checked, kept encrypted and shown masked."""
    runtime = _runtime(request)
    tenant = own_tenant(caller, body.tenant_id)
    with runtime.transaction() as connection:
        made = collectors.create(
            connection,
            runtime.secrets,
            tenant,
            body.collector_id,
            name=body.name,
            callback_number=body.callback_number,
            who=caller.name,
        )
    return ok(asdict(made))


@_collectors.get("/collectors", summary="List collectors")
def show_collectors(
    request: Request,
    caller: Viewer,
    tenant_id: Tenant = None,
    active: bool | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Numbers are masked."""
    with _runtime(request).transaction() as connection:
        rows, total = collectors.page(
            connection, tenant_id=scope(caller, tenant_id), active=active, limit=limit, offset=offset
        )
    return listed(rows, total, limit, offset)


@_collectors.get("/collectors/{collector_id}", summary="Read a collector")
def show_collector(collector_id: Id, request: Request, caller: Viewer, tenant_id: Tenant = None) -> dict[str, Any]:
    """His number is masked."""
    with _runtime(request).transaction() as connection:
        return ok(asdict(collectors.find(connection, own_tenant(caller, tenant_id), collector_id)))


@_collectors.patch("/collectors/{collector_id}", summary="Change a collector")
@_collectors.put("/collectors/{collector_id}", summary="Change a collector", include_in_schema=False)
def change_collector(
    collector_id: Id, body: CollectorChange, request: Request, caller: Operator, tenant_id: Tenant = None
) -> dict[str, Any]:
    """What is left out stays as it is. An inactive collector is lent nothing."""
    runtime = _runtime(request)
    with runtime.transaction() as connection:
        after = collectors.change(
            connection,
            runtime.secrets,
            own_tenant(caller, tenant_id),
            collector_id,
            name=body.name,
            callback_number=body.callback_number,
            active=body.active,
            who=caller.name,
        )
    return ok(asdict(after))


@_collectors.delete("/collectors/{collector_id}", summary="Delete a collector")
def delete_collector(collector_id: Id, request: Request, caller: Operator, tenant_id: Tenant = None) -> dict[str, Any]:
    """409 while he holds an extension."""
    with _runtime(request).transaction() as connection:
        collectors.delete(connection, own_tenant(caller, tenant_id), collector_id, who=caller.name)
    return ok({"id": collector_id, "deleted": True})


router.include_router(_collectors)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _visible(connection: sa.Connection, extension_id: int, caller: Caller) -> Extension:
    found = extensions.find(connection, extension_id)
    visible(caller, found.tenant_id, "extension")
    return found


def _config_visible(connection: sa.Connection, config_id: int, caller: Caller) -> None:
    row = tenant_store.config(connection, config_id)
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    visible(caller, row.tenant_id, "Infinity configuration")
