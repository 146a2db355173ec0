"""Telephony over HTTP: the extension pool."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import AwareDatetime
from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.api.dependencies import Id, Limit, Offset, RuntimeDep, Short, Tenant
from calling_pipeline.api.envelope import Described, Page, Success, ok, page
from calling_pipeline.api.routes.telephony.bodies import (
    PREFIX,
    Deleted,
    ExtensionCreate,
    ExtensionImport,
    ExtensionRelease,
    ExtensionState,
    ForceRelease,
    ForceReleased,
    Imported,
    Released,
)
from calling_pipeline.api.routes.telephony.dependencies import Operator, Viewer
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.telephony.calls.release import release_collector, release_extension
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Extension, PoolStatistics
from calling_pipeline.telephony.records import ExtensionState as State
from calling_pipeline.telephony.tenants import store as tenant_store

router = APIRouter(prefix=PREFIX, tags=["telephony: extensions"])


class Snapshot(TypedDict):
    """One configuration's extensions at one instant."""

    config_id: int
    tenant_id: int
    taken_at: dt.datetime
    total: int
    in_use: int
    available: int
    cooling_down: int
    offline: int
    quarantined: int
    utilisation_pct: float


@router.post("/extensions", summary="Add an extension", status_code=201)
def add(body: ExtensionCreate, runtime: RuntimeDep, caller: Operator) -> Success[Extension]:
    """409 when the configuration's pool has it already."""
    with runtime.transaction() as connection:
        _config_visible(connection, body.config_id, caller)
        return ok(extensions.add(connection, body.config_id, body.number, body.label, who=caller.name))


@router.post("/extensions/import", summary="Import many extensions")
def bulk_import(body: ExtensionImport, runtime: RuntimeDep, caller: Operator) -> Success[Imported]:
    """Every row gets its result: imported, duplicate_in_file, already_there or invalid.

    With `dry_run` nothing is imported; `imported` then says which rows would be.
    """
    if (body.rows is None) == (body.csv is None):
        raise InvalidInput("give either rows or csv", field="rows")
    given = [(row, "") if isinstance(row, str) else (row.number, row.label) for row in body.rows or []]
    with runtime.transaction() as connection:
        _config_visible(connection, body.config_id, caller)
        rows = given if body.csv is None else extensions.read_csv(body.csv)
        results = extensions.bulk_import(connection, body.config_id, rows, who=caller.name, dry_run=body.dry_run)
    return ok(Imported(counts=extensions.counts(results), rows=results))


@router.get("/extensions", summary="List extensions")
def show_all(
    runtime: RuntimeDep,
    caller: Viewer,
    tenant_id: Tenant = None,
    config_id: Id | None = None,
    state: State | None = None,
    collector_id: Id | None = None,
    number: Short | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Extension]]:
    """Filters: configuration, state, holder, beginning of the number."""
    with runtime.transaction() as connection:
        rows, total = pool_store.page(
            connection,
            tenant_id=caller.scope(tenant_id),
            config_id=config_id,
            state=state,
            holder=collector_id,
            number=number,
            limit=limit,
            offset=offset,
        )
    return page(rows, total, limit, offset)


@router.get("/extensions/statistics", summary="The pool by tenant and configuration")
def statistics(
    runtime: RuntimeDep, caller: Viewer, tenant_id: Tenant = None, config_id: Id | None = None
) -> Success[list[PoolStatistics]]:
    """How many are available, cooling down, in use, offline, in quarantine, and the utilisation."""
    with runtime.transaction() as connection:
        rows = pool_store.statistics(connection, days.now(), tenant_id=caller.scope(tenant_id), config_id=config_id)
    return ok(rows)


@router.get("/extensions/utilisation", summary="Utilisation history", response_model=Success[list[Described[Snapshot]]])
def utilisation(
    runtime: RuntimeDep,
    caller: Viewer,
    tenant_id: Tenant = None,
    config_id: Id | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 1000,
) -> object:
    """Snapshots, oldest first; the last day without `since`."""
    now = days.now()
    with runtime.transaction() as connection:
        rows = pool_store.utilisation(
            connection,
            since or now - dt.timedelta(days=1),
            until or now,
            tenant_id=caller.scope(tenant_id),
            config_id=config_id,
            limit=limit,
        )
    return ok(rows)


@router.post("/extensions/force-release/{collector_id}", summary="Free whatever a collector holds")
def force_release(
    collector_id: Id,
    runtime: RuntimeDep,
    caller: Operator,
    tenant_id: Tenant = None,
    body: ForceRelease | None = None,
) -> Success[ForceReleased]:
    """The collector's open call, if any, becomes `unknown`."""
    tenant = caller.own_tenant(tenant_id)
    with runtime.transaction() as connection:
        reason = body.reason if body else ""
        released = release_collector(connection, tenant, collector_id, reason=reason, who=caller.name)
    return ok(ForceReleased(released=released))


@router.get("/extensions/{extension_id}", summary="Read an extension")
def show(extension_id: Id, runtime: RuntimeDep, caller: Viewer) -> Success[Extension]:
    """Who holds it, since when, under which token."""
    with runtime.transaction() as connection:
        return ok(_visible(connection, extension_id, caller))


@router.patch("/extensions/{extension_id}/state", summary="Take an extension offline or bring it back")
@router.put("/extensions/{extension_id}/state", summary="The same", include_in_schema=False)
def set_state(extension_id: Id, body: ExtensionState, runtime: RuntimeDep, caller: Operator) -> Success[Extension]:
    """One in use finishes its call first: it is `draining` until then."""
    with runtime.transaction() as connection:
        _visible(connection, extension_id, caller)
        after = extensions.set_state(connection, extension_id, body.state, reason=body.reason, who=caller.name)
    return ok(after)


@router.delete("/extensions/{extension_id}", summary="Delete an extension")
def delete(extension_id: Id, runtime: RuntimeDep, caller: Operator) -> Success[Deleted]:
    """409 while it is in use."""
    with runtime.transaction() as connection:
        _visible(connection, extension_id, caller)
        extensions.delete(connection, extension_id, who=caller.name)
    return ok(Deleted(id=extension_id))


@router.post("/extensions/{extension_id}/release", summary="Release an extension")
def release(
    extension_id: Id, runtime: RuntimeDep, caller: Operator, body: ExtensionRelease | None = None
) -> Success[Released]:
    """`released` false, and nothing changed, when it is not allocated, or not under the token given."""
    with runtime.transaction() as connection:
        _visible(connection, extension_id, caller)
        wanted = body or ExtensionRelease()
        done = release_extension(connection, extension_id, wanted.fence, reason=wanted.reason, who=caller.name)
        return ok(Released(released=done, extension=extensions.find(connection, extension_id)))


def _visible(connection: sa.Connection, extension_id: int, caller: Caller) -> Extension:
    found = extensions.find(connection, extension_id)
    caller.require_visible(found.tenant_id, "extension")
    return found


def _config_visible(connection: sa.Connection, config_id: int, caller: Caller) -> None:
    row = tenant_store.config(connection, config_id)
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    caller.require_visible(row.tenant_id, "Infinity configuration")
