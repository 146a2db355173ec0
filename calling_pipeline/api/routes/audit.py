"""The audit log over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from calling_pipeline.access.audit import store, views
from calling_pipeline.access.audit.records import Entry
from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Limit, Offset, RuntimeDep, Short, Tenant
from calling_pipeline.api.envelope import Page, Success, page

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])
Operator = Annotated[Caller, Depends(requires("operator", "audit"))]


@router.get("")
def show_audit(
    runtime: RuntimeDep,
    caller: Operator,
    subject: Annotated[Short, Query(description="batch:17; with * at the end every one that begins so")] = "",
    by: Annotated[Short, Query(description="the person; * as above")] = "",
    act: Annotated[Short, Query(description="batch.pause or batch.*")] = "",
    first: Annotated[Short, Query(alias="from", description="from this day on, YYYY-MM-DD")] = "",
    last: Annotated[Short, Query(alias="to", description="up to this day, included")] = "",
    reason: Annotated[Short, Query(description="a text within the reason; * for every act with a reason")] = "",
    tenant_id: Tenant = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Entry]]:
    """What people did, the newest first. A caller who is bound to a tenant sees what belongs to that tenant."""
    since, until = views.span(first, last, names=("from", "to"))
    tenant = caller.scope(tenant_id)
    with runtime.transaction() as connection:
        rows, total = store.entries(
            connection,
            subject=subject,
            person=by,
            act=act,
            reason=reason,
            tenant_id=tenant,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
        )
    return page(rows, total, limit, offset)
