"""`/telephony/collectors`: the people who call, with their callback numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
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
    Viewer,
    chosen_tenant,
    needed_reason,
    tenants_to_choose,
    whole_number,
)
from calling_pipeline.console.views import View
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.release import release_collector
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.pool.board import store as board_store
from calling_pipeline.telephony.records import Collector
from calling_pipeline.telephony.tenants import collectors
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.telephony.tenants.store import ListedCollector

router = APIRouter(tags=["telephony"])
BACK = "/telephony/collectors"


def _activity(one: ListedCollector) -> State:
    if one.holds:
        return State("telephony.collector_in_call", "busy")
    return State("telephony.collector_active", "good") if one.active else State("telephony.collector_inactive")


COLUMNS: Sequence[Column[ListedCollector]] = (
    Column("collector", lambda one: Link(str(one.id), f"{BACK}/{one.tenant_id}/{one.id}"), sorts=True),
    Column("name", lambda one: one.name or None, sorts=True),
    Column("callback_number", lambda one: one.callback_number),
    Column("active", _activity, sorts=True),
    Column("calls_today", lambda one: one.calls_today, sorts=True, number=True),
    Column("preferred", lambda one: one.extension, wide=True),
    Column("tenant", lambda one: str(one.tenant_id), wide=True),
)


@router.get("/telephony/collectors")
def show_all(view: Viewer) -> Response:
    """The collectors. `tenant`, `active` and `name` (its beginning, or the number's) narrow the list."""
    tenant = chosen_tenant(view)
    wanted = asked(view.request, sorts=tenant_store.COLLECTOR_SORTS, default_sort="collector")
    active = _chosen_activity(wanted.filters.get("active", ""))
    since, _ = days.day_bounds(days.today())

    def read(limit: int, offset: int) -> tuple[Sequence[ListedCollector], int]:
        with view.transaction() as connection:
            return tenant_store.listed_collectors(
                connection,
                since,
                tenant_id=tenant,
                active=active,
                beginning=wanted.filters.get("name", ""),
                sort=wanted.sort,
                descending=wanted.descending,
                limit=limit,
                offset=offset,
            )

    columns = [column for column in COLUMNS if column.key != "tenant" or tenant is None]
    found = listing(view, "collectors", "telephony", wanted, columns, read)
    if isinstance(found, Response):
        return found
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page("telephony/collectors.html", collectors=found, tenants=tenants)


@router.get("/telephony/collectors/add")
def show_add(view: Operator) -> Response:
    """The form of a new collector."""
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page("telephony/add_collector.html", tenants=tenants, tenant=chosen_tenant(view))


@router.post("/telephony/collectors/add")
def add(
    view: Operator, tenant_id: Text = "", collector_id: Text = "", name: Text = "", callback_number: Text = ""
) -> Response:
    """Add a collector."""
    tenant = view.caller.own_tenant(whole_number(tenant_id, "tenant_id"))
    number = whole_number(collector_id, "collector_id")
    if number is None:
        raise InvalidInput("collector_id must be a positive number", field="collector_id")
    with view.transaction() as connection:
        made = collectors.create(
            connection,
            view.runtime.secrets,
            tenant,
            number,
            name=name,
            callback_number=callback_number,
            who=view.caller.name,
        )
    return view.done("telephony.collector_added", back=f"{BACK}?tenant={tenant}", name=_called(made))


@router.get("/telephony/collectors/{tenant_id}/{collector_id}")
def show(tenant_id: PathId, collector_id: PathId, view: Viewer) -> Response:
    """One collector: the form, what they hold, and what can be done."""
    return _page(view, tenant_id, collector_id, "telephony/collector.html")


@router.post("/telephony/collectors/{tenant_id}/{collector_id}")
def change(
    tenant_id: PathId,
    collector_id: PathId,
    view: Operator,
    name: Text = "",
    callback_number: Text = "",
    active: Text = "",
) -> Response:
    """Change a collector; an empty callback number stays as it is."""
    with view.transaction() as connection:
        _visible(view, connection, tenant_id, collector_id)
        after = collectors.change(
            connection,
            view.runtime.secrets,
            tenant_id,
            collector_id,
            name=name,
            callback_number=callback_number.strip() or None,
            active=bool(active),
            who=view.caller.name,
        )
    return view.done("telephony.collector_changed", back=f"{BACK}?tenant={tenant_id}", name=_called(after))


@router.get("/telephony/collectors/{tenant_id}/{collector_id}/release")
def show_release(tenant_id: PathId, collector_id: PathId, view: Operator) -> Response:
    """What a release would end."""
    return _page(view, tenant_id, collector_id, "telephony/release_collector.html")


@router.post("/telephony/collectors/{tenant_id}/{collector_id}/release")
def release(tenant_id: PathId, collector_id: PathId, view: Operator, reason: Text = "") -> Response:
    """Release whatever the collector holds."""
    why = needed_reason(reason)
    with view.transaction() as connection:
        found = _visible(view, connection, tenant_id, collector_id)
        if not release_collector(connection, tenant_id, collector_id, reason=why, who=view.caller.name):
            raise Conflict("this collector holds no extension; nothing was released")
    return view.done("telephony.collector_released", back=f"{BACK}/{tenant_id}/{collector_id}", name=_called(found))


@router.get("/telephony/collectors/{tenant_id}/{collector_id}/delete")
def show_delete(tenant_id: PathId, collector_id: PathId, view: Operator) -> Response:
    """What a deletion takes away."""
    return _page(view, tenant_id, collector_id, "telephony/delete_collector.html")


@router.post("/telephony/collectors/{tenant_id}/{collector_id}/delete")
def delete(tenant_id: PathId, collector_id: PathId, view: Operator, reason: Text = "") -> Response:
    """Delete the collector; refused while they hold an extension."""
    why = needed_reason(reason)
    with view.transaction() as connection:
        found = _visible(view, connection, tenant_id, collector_id)
        collectors.delete(connection, tenant_id, collector_id, reason=why, who=view.caller.name)
    return view.done("telephony.collector_deleted", back=f"{BACK}?tenant={tenant_id}", name=_called(found))


def _page(view: View, tenant_id: int, collector_id: int, template: str) -> Response:
    with view.transaction() as connection:
        found = _visible(view, connection, tenant_id, collector_id)
        held, _ = pool_store.page(connection, tenant_id=tenant_id, holder=collector_id, limit=1)
        tile = board_store.find(connection, days.now(), held[0].id) if held else None
        call = call_store.find(connection, tile.call_id) if tile and tile.call_id is not None else None
        context: dict[str, Any] = {"collector": found, "tile": tile, "call": call, "called": _called(found)}
    return view.page(template, **context)


def _visible(view: View, connection: sa.Connection, tenant_id: int, collector_id: int) -> Collector:
    view.caller.require_visible(tenant_id, "collector")
    return collectors.find(connection, tenant_id, collector_id)


def _called(collector: Collector) -> str:
    return f"{collector.id} {collector.name}".strip()


def _chosen_activity(text: str) -> bool | None:
    if text not in ("", "yes", "no"):
        raise InvalidInput("active is yes or no", field="active")
    return None if not text else text == "yes"
