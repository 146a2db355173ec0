"""The operator's first look over HTTP: the document of `calling-pipeline status`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from calling_pipeline.access.caller import Caller
from calling_pipeline.analysis.status.gathering import status as gather
from calling_pipeline.analysis.status.records import Status
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import RuntimeDep
from calling_pipeline.api.envelope import Success, ok

router = APIRouter(prefix="/api/v1", tags=["status"])
Viewer = Annotated[Caller, Depends(requires("viewer", "status"))]


@router.get("/status", response_model=Success[Status])
def status(runtime: RuntimeDep, caller: Viewer) -> object:
    """Syncs, days, numbers, vendor, alerts, batches, messages, extensions and Dagster, and what to do where one is not well.

    A token that is bound to a tenant sees that tenant's extensions.
    """
    return ok(gather(runtime, tenant=caller.tenant))
