"""`/telephony/callbacks`: callbacks that wait for a person, and a day compared with Infinity's bill."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.telephony.common import (
    Operator,
    Text,
    chosen_tenant,
    needed_reason,
    tenants_to_choose,
    whole_number,
)
from calling_pipeline.console.views import View
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.telephony.billing.reconcile import reconcile_by_hand
from calling_pipeline.telephony.calls.kept_callbacks import applying
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import WaitingCallback

router = APIRouter(tags=["telephony"])
BACK = "/telephony/callbacks"


def _state(kept: WaitingCallback) -> State:
    if kept.closed_at is None:
        return State(f"telephony.kept_{kept.reason}", "bad" if kept.reason == "unreadable" else "warn")
    return State("telephony.kept_closed")


COLUMNS: Sequence[Column[WaitingCallback]] = (
    Column("kept", lambda one: Link(str(one.id), f"{BACK}/{one.id}")),
    Column("state", _state),
    Column("received_at", lambda one: one.received_at),
    Column("sentence", lambda one: Sentence(one.sentence)),
    Column("call_uuid", lambda one: one.call_uuid or None, wide=True),
    Column("repeats", lambda one: one.repeats, number=True, wide=True),
    Column("outcome", lambda one: Sentence(one.outcome.replace("_", " ")) if one.outcome else None),
    Column("closed_by", lambda one: one.closed_by or None, wide=True),
    Column("tenant", lambda one: str(one.tenant_id), wide=True),
)


@router.get("/telephony/callbacks")
def show_all(view: Operator) -> Response:
    """The kept callbacks that wait, the newest first; with `all` those too that wait no more."""
    tenant = chosen_tenant(view)
    wanted = asked(view.request)

    def read(limit: int, offset: int) -> tuple[Sequence[WaitingCallback], int]:
        with view.transaction() as connection:
            waiting = not wanted.filters.get("all")
            return kept_store.page(connection, tenant_id=tenant, waiting=waiting, limit=limit, offset=offset)

    found = listing(view, "callbacks", "telephony", wanted, COLUMNS, read)
    if isinstance(found, Response):
        return found
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page("telephony/callbacks.html", callbacks=found, tenants=tenants)


@router.get("/telephony/callbacks/{kept_id}")
def show(kept_id: PathId, view: Operator) -> Response:
    """One kept callback, and the forms to apply it or to give it up."""
    with view.transaction() as connection:
        kept = _visible(view, connection, kept_id)
    return view.page("telephony/callback.html", kept=kept)


@router.post("/telephony/callbacks/{kept_id}/replay")
def replay(kept_id: PathId, view: Operator, connected: Text = "", duration: Text = "", reason: Text = "") -> Response:
    """Read it again, with what the person knows, and apply it."""
    corrections: dict[str, object] = {}
    if connected:
        corrections["is_connected"] = connected == "yes"
    if duration.strip():
        corrections["call_duration"] = _seconds(duration)
    with view.transaction() as connection:
        _visible(view, connection, kept_id)
        outcome = applying.replay(
            connection, view.runtime.secrets, kept_id, corrections=corrections, reason=reason, who=view.caller.name
        )
    said = view.t(f"telephony.outcome_{outcome}")
    return view.done("telephony.callback_replayed", back=BACK, id=kept_id, outcome=said)


@router.post("/telephony/callbacks/{kept_id}/drop")
def drop(kept_id: PathId, view: Operator, reason: Text = "") -> Response:
    """Give it up; its body is deleted."""
    with view.transaction() as connection:
        _visible(view, connection, kept_id)
        applying.drop(connection, kept_id, reason=needed_reason(reason), who=view.caller.name)
    return view.done("telephony.callback_dropped", back=BACK, id=kept_id)


@router.get("/telephony/reconcile")
def show_reconcile(view: Operator) -> Response:
    """The form to compare a day with the bill."""
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page("telephony/reconcile.html", tenants=tenants, tenant=chosen_tenant(view), day=days.today(), results=None)


@router.post("/telephony/reconcile")
async def reconcile(view: Operator, day: Text = "", tenant_id: Text = "") -> Response:
    """Compare the day with Infinity's bill, take from it what we never learned, and show the report."""
    wanted = days.parse_day(day.strip(), field="day")
    tenant = view.caller.scope(whole_number(tenant_id, "tenant_id"))
    async with TelephonyDependencies.from_runtime(view.runtime) as deps:
        results = await reconcile_by_hand(deps, wanted, tenant_id=tenant, who=view.caller.name)
    return view.page("telephony/reconcile.html", tenants=(), tenant=tenant, day=wanted, results=results)


def _visible(view: View, connection: sa.Connection, kept_id: int) -> WaitingCallback:
    kept = kept_store.find(connection, kept_id)
    if kept is None:
        raise NotFound("there is no such kept callback")
    view.caller.require_visible(kept.tenant_id, "kept callback")
    return kept


def _seconds(text: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 8):
        raise InvalidInput("the length is a whole number of seconds", field="duration")
    return int(plain)
