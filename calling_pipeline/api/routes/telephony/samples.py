"""Telephony over HTTP: samples of calls for review."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.api.dependencies import Id, Limit, Offset, PathId, RuntimeDep, Tenant, Whole
from calling_pipeline.api.envelope import Page, Success, ok, page
from calling_pipeline.api.routes.telephony.bodies import PREFIX
from calling_pipeline.api.routes.telephony.dependencies import Operator
from calling_pipeline.telephony.reviews.samples import sampling, store
from calling_pipeline.telephony.reviews.samples.records import Sample, SampledCall, Wish

router = APIRouter(prefix=f"{PREFIX}/quality/samples", tags=["telephony: cases and quality"])


class SampleDraw(BaseModel):
    """Which calls a sample is drawn from, and how many. The same wish is the same sample."""

    model_config = ConfigDict(extra="forbid")

    tenant_id: Id | None = None
    first: dt.date = Field(alias="from")
    last: dt.date = Field(alias="to", description="included; it is over")
    per_collector: Whole = Field(5, ge=1, le=sampling.MOST_PER_COLLECTOR, description="connected calls of each collector")
    second_pct: Whole = Field(20, ge=0, le=100, description="percent of them that a second reviewer gets too")
    seed: Whole = Field(1, ge=0, le=sampling.HIGHEST_SEED, description="another number draws other calls")


@router.get("", summary="List samples")
def show_all(
    runtime: RuntimeDep, caller: Operator, tenant_id: Tenant = None, limit: Limit = 100, offset: Offset = 0
) -> Success[Page[Sample]]:
    """How far the review of each is, the newest first."""
    tenant = caller.scope(tenant_id)
    with runtime.transaction() as connection:
        rows = store.page(connection, tenant_id=tenant, limit=limit, offset=offset)
        total = store.count(connection, tenant_id=tenant)
    return page(list(rows), total, limit, offset)


@router.post("", summary="Draw a sample", status_code=201)
def draw(body: SampleDraw, runtime: RuntimeDep, caller: Operator) -> Success[Sample]:
    """The same days, numbers and seed give the sample that was drawn before. 422 where there is no connected call."""
    tenant_id = caller.own_tenant(body.tenant_id)
    wish = Wish(tenant_id, body.first, body.last, body.per_collector, body.second_pct, body.seed)
    with runtime.transaction() as connection:
        return ok(sampling.draw_sample(connection, wish, who=caller.name))


@router.get("/{sample_id}/calls", summary="List the calls of a sample")
def show_calls(
    sample_id: PathId,
    runtime: RuntimeDep,
    caller: Operator,
    waiting: Annotated[bool, Query(description="those alone that a reviewer is still wanted for")] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[SampledCall]]:
    """Each with the probability with which it was drawn and what reviewers think; numbers are masked."""
    with runtime.transaction() as connection:
        caller.require_visible(sampling.find(connection, sample_id).tenant_id, "sample")
        rows = [one for one in store.calls(connection, sample_id) if one.missing or not waiting]
    return page(rows[offset : offset + limit], len(rows), limit, offset)
