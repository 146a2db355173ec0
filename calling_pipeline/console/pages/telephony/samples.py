"""`/telephony/quality`: samples of calls for review, and which of their calls wait for a reviewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.telephony.common import (
    Operator,
    Text,
    chosen_tenant,
    tenants_to_choose,
    whole_number,
)
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.reviews.samples import sampling, store
from calling_pipeline.telephony.reviews.samples.records import Sample, SampledCall, Wish

router = APIRouter(tags=["telephony"])
BACK = "/telephony/quality"


def _standing(one: SampledCall) -> State:
    if not one.missing:
        return State("telephony.review_done", "good")
    return State("telephony.review_second" if one.scores else "telephony.review_first", "warn")


COLUMNS: Sequence[Column[Sample]] = (
    Column("sample", lambda one: Link(str(one.id), f"{BACK}/{one.id}")),
    Column("first", lambda one: one.first),
    Column("last", lambda one: one.last),
    Column("sampled", lambda one: one.calls, number=True),
    Column("reviewed", lambda one: one.reviewed, number=True),
    Column("seconds", lambda one: one.seconds, number=True, wide=True),
    Column("seconds_reviewed", lambda one: one.seconds_reviewed, number=True, wide=True),
    Column("per_collector", lambda one: one.per_collector, number=True, wide=True),
    Column("seed", lambda one: one.seed, number=True, wide=True),
    Column("made_by", lambda one: one.made_by, wide=True),
    Column("tenant", lambda one: str(one.tenant_id), wide=True),
)
CALLS: Sequence[Column[SampledCall]] = (
    Column("call", lambda one: Link(str(one.record_id), f"/telephony/calls/{one.record_id}")),
    Column("collector", lambda one: one.collector or str(one.collector_id)),
    Column("started_at", lambda one: one.started_at),
    Column("duration", lambda one: one.duration_s, number=True),
    Column("destination", lambda one: one.destination_masked, wide=True),
    Column("probability", lambda one: f"{one.probability:.3f}", number=True, wide=True),
    Column("wanted_reviews", lambda one: 1 + one.second, number=True, wide=True),
    Column("scores", lambda one: ", ".join(map(str, one.scores)) or None),
    Column("review", _standing),
)


@router.get("/telephony/quality")
def show_all(view: Operator) -> Response:
    """The samples, the newest first."""
    tenant = chosen_tenant(view)
    wanted = asked(view.request)

    def read(limit: int, offset: int) -> tuple[Sequence[Sample], int]:
        with view.transaction() as connection:
            rows = store.page(connection, tenant_id=tenant, limit=limit, offset=offset)
            return rows, store.count(connection, tenant_id=tenant)

    found = listing(view, "samples", "telephony", wanted, COLUMNS, read)
    if isinstance(found, Response):
        return found
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page("telephony/quality.html", samples=found, tenants=tenants)


@router.get("/telephony/quality/draw")
def show_draw(view: Operator) -> Response:
    """The form of a new sample: last week, unless the person says otherwise."""
    last = days.today() - dt.timedelta(days=1)
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    first = last - dt.timedelta(days=6)
    return view.page("telephony/draw_sample.html", tenants=tenants, tenant=chosen_tenant(view), first=first, last=last)


@router.post("/telephony/quality/draw")
def draw(
    view: Operator,
    tenant_id: Text = "",
    first: Text = "",
    last: Text = "",
    per_collector: Text = "5",
    second_pct: Text = "20",
    seed: Text = "1",
) -> Response:
    """Draw a sample, or show the one that was drawn for the same days, numbers and seed."""
    wish = Wish(
        view.caller.own_tenant(whole_number(tenant_id, "tenant_id")),
        days.parse_day(first, field="first"),
        days.parse_day(last, field="last"),
        _number(per_collector, "per_collector"),
        _number(second_pct, "second_pct"),
        _number(seed, "seed"),
    )
    with view.transaction() as connection:
        drawn = sampling.draw_sample(connection, wish, who=view.caller.name)
    return view.done("telephony.sample_drawn", back=f"{BACK}/{drawn.id}", calls=drawn.calls, collectors=drawn.collectors)


@router.get("/telephony/quality/{sample_id}")
def show(sample_id: PathId, view: Operator) -> Response:
    """One sample and its calls; with `waiting` those alone that a reviewer is still wanted for."""
    wanted = asked(view.request)
    with view.transaction() as connection:
        sample = sampling.find(connection, sample_id)
        view.caller.require_visible(sample.tenant_id, "sample")
        calls = [one for one in store.calls(connection, sample_id) if one.missing or not wanted.filters.get("waiting")]

    def read(limit: int, offset: int) -> tuple[Sequence[SampledCall], int]:
        return calls[offset : offset + limit], len(calls)

    found = listing(view, "sample", "telephony", wanted, CALLS, read)
    if isinstance(found, Response):
        return found
    chosen = {"from": sample.first, "to": sample.last, "tenant_id": sample.tenant_id, "sample": sample.id}
    if view.caller.tenant is not None:
        del chosen["tenant_id"]
    return view.page(
        "telephony/quality_sample.html", sample=sample, calls=found, scores=f"/analysis/call_quality?{urlencode(chosen)}"
    )


def _number(text: str, field: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit()):
        raise InvalidInput(f"{field} must be a whole number", field=field)
    return int(plain[:12])
