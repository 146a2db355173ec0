"""Telephony over HTTP: the collectors, to whom extensions are allocated."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter

from calling_pipeline.api.dependencies import Id, Limit, Offset, RuntimeDep, Tenant
from calling_pipeline.api.envelope import Page, Success, ok, page
from calling_pipeline.api.routes.telephony.bodies import (
    PREFIX,
    CollectorChange,
    CollectorCreate,
    CollectorImport,
    Deleted,
    Imported,
)
from calling_pipeline.api.routes.telephony.dependencies import Operator, OwnViewer
from calling_pipeline.telephony.records import Collector
from calling_pipeline.telephony.tenants import collectors

router = APIRouter(prefix=PREFIX, tags=["telephony: collectors"])


@router.post("/collectors", summary="Add a collector", status_code=201)
def add_collector(body: CollectorCreate, runtime: RuntimeDep, caller: Operator) -> Success[Collector]:
    """The callback number is checked, kept encrypted and shown masked."""
    tenant = caller.own_tenant(body.tenant_id)
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
    return ok(made)


@router.post("/collectors/import", summary="Import many collectors")
def bulk_import(body: CollectorImport, runtime: RuntimeDep, caller: Operator) -> Success[Imported]:
    """Every row gets its result: imported, duplicate_in_file, already_there or invalid.

    With `dry_run` nothing is imported; `imported` then says which rows would be.
    """
    tenant = caller.own_tenant(body.tenant_id)
    with runtime.transaction() as connection:
        rows = collectors.bulk_import(connection, runtime.secrets, tenant, body.csv, who=caller.name, dry_run=body.dry_run)
    return ok(Imported(counts=dict(Counter(str(row.result) for row in rows)), rows=rows))


@router.get("/collectors", summary="List collectors")
def show_collectors(
    runtime: RuntimeDep,
    caller: OwnViewer,
    tenant_id: Tenant = None,
    active: bool | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Collector]]:
    """Numbers are masked. Who is bound to a collector sees that one."""
    with runtime.transaction() as connection:
        if caller.collector is not None:
            own = collectors.find(connection, caller.own_tenant(tenant_id), caller.collector)
            return page([own], 1, limit, offset)
        rows, total = collectors.page(
            connection, tenant_id=caller.scope(tenant_id), active=active, limit=limit, offset=offset
        )
    return page(rows, total, limit, offset)


@router.get("/collectors/{collector_id}", summary="Read a collector")
def show_collector(collector_id: Id, runtime: RuntimeDep, caller: OwnViewer, tenant_id: Tenant = None) -> Success[Collector]:
    """The number is masked."""
    caller.own_collector(collector_id)
    with runtime.transaction() as connection:
        return ok(collectors.find(connection, caller.own_tenant(tenant_id), collector_id))


@router.patch("/collectors/{collector_id}", summary="Change a collector")
@router.put("/collectors/{collector_id}", summary="Change a collector", include_in_schema=False)
def change_collector(
    collector_id: Id, body: CollectorChange, runtime: RuntimeDep, caller: Operator, tenant_id: Tenant = None
) -> Success[Collector]:
    """What is left out stays as it is. An inactive collector is allocated nothing."""
    with runtime.transaction() as connection:
        after = collectors.change(
            connection,
            runtime.secrets,
            caller.own_tenant(tenant_id),
            collector_id,
            name=body.name,
            callback_number=body.callback_number,
            active=body.active,
            who=caller.name,
        )
    return ok(after)


@router.delete("/collectors/{collector_id}", summary="Delete a collector")
def delete_collector(collector_id: Id, runtime: RuntimeDep, caller: Operator, tenant_id: Tenant = None) -> Success[Deleted]:
    """409 while the collector holds an extension."""
    with runtime.transaction() as connection:
        collectors.delete(connection, caller.own_tenant(tenant_id), collector_id, who=caller.name)
    return ok(Deleted(id=collector_id))
