"""`/telephony/extensions/…`: one extension, and what is done with it."""

from __future__ import annotations

from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.pages.telephony.common import (
    Operator,
    Text,
    Viewer,
    chosen_tenant,
    configurations_to_choose,
    needed_reason,
    visible_configuration,
    whole_number,
)
from calling_pipeline.console.pages.telephony.pool import SIGNS, TONES
from calling_pipeline.console.views import View
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.release import release_extension
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.pool.board import store as board_store
from calling_pipeline.telephony.pool.board.records import Tile

router = APIRouter(tags=["telephony"])
BACK = "/telephony"


@router.get("/telephony/extensions/add")
def show_add(view: Operator) -> Response:
    """The form for one extension."""
    with view.transaction() as connection:
        configs = configurations_to_choose(connection, chosen_tenant(view))
    return view.page("telephony/add_extension.html", configs=configs)


@router.post("/telephony/extensions/add")
def add(view: Operator, config_id: Text = "", number: Text = "", label: Text = "") -> Response:
    """Add one extension."""
    with view.transaction() as connection:
        config = visible_configuration(view, connection, config_id)
        made = extensions.add(connection, config.id, number, label, who=view.caller.name)
    return view.done("telephony.extension_added", back=BACK, number=made.number)


@router.get("/telephony/extensions/{extension_id}")
def show(extension_id: PathId, view: Viewer) -> Response:
    """One extension: its state, who holds it, its call."""
    return _page(view, extension_id, "telephony/extension.html")


@router.get("/telephony/extensions/{extension_id}/state")
def show_state(extension_id: PathId, view: Operator) -> Response:
    """The form to take it offline or bring it back."""
    return _page(view, extension_id, "telephony/extension_state.html")


@router.post("/telephony/extensions/{extension_id}/state")
def set_state(
    extension_id: PathId,
    view: Operator,
    state: Annotated[Literal["available", "offline"], Form()],
    reason: Text = "",
) -> Response:
    """Take it offline (after its call when it is in use), or bring it back."""
    why = needed_reason(reason) if state == "offline" else reason
    with view.transaction() as connection:
        _visible(view, connection, extension_id)
        after = extensions.set_state(connection, extension_id, state, reason=why, who=view.caller.name)
    if after.draining:
        return view.done("telephony.extension_draining", back=BACK, number=after.number)
    if state == "offline":
        return view.done("telephony.extension_offline", back=BACK, number=after.number)
    return view.done("telephony.extension_online", back=BACK, number=after.number)


@router.get("/telephony/extensions/{extension_id}/release")
def show_release(extension_id: PathId, view: Operator) -> Response:
    """What a release would end."""
    return _page(view, extension_id, "telephony/release_extension.html")


@router.post("/telephony/extensions/{extension_id}/release")
def release(extension_id: PathId, view: Operator, fence: Text = "", reason: Text = "") -> Response:
    """Release it, if it is still allocated under the token that the person saw."""
    why = needed_reason(reason)
    seen = whole_number(fence, "fence")
    if seen is None:
        raise InvalidInput("open the extension's page again: the form names no allocation", field="fence")
    with view.transaction() as connection:
        tile = _visible(view, connection, extension_id)
        if not release_extension(connection, extension_id, seen, reason=why, who=view.caller.name):
            raise Conflict(f"extension {tile.number} was released or allocated anew since; nothing was released")
    return view.done("telephony.extension_released", back=BACK, number=tile.number)


@router.get("/telephony/extensions/{extension_id}/delete")
def show_delete(extension_id: PathId, view: Operator) -> Response:
    """What a deletion takes away."""
    return _page(view, extension_id, "telephony/delete_extension.html")


@router.post("/telephony/extensions/{extension_id}/delete")
def delete(extension_id: PathId, view: Operator, reason: Text = "") -> Response:
    """Delete it; refused while it is in use."""
    with view.transaction() as connection:
        tile = _visible(view, connection, extension_id)
        extensions.delete(connection, extension_id, reason=needed_reason(reason), who=view.caller.name)
    return view.done("telephony.extension_deleted", back=BACK, number=tile.number)


def _page(view: View, extension_id: int, template: str) -> Response:
    with view.transaction() as connection:
        tile = _visible(view, connection, extension_id)
        call = call_store.find(connection, tile.call_id) if tile.call_id is not None else None
    return view.page(template, tile=tile, call=call, tone=TONES[tile.shown], sign=SIGNS[tile.shown])


def _visible(view: View, connection: sa.Connection, extension_id: int) -> Tile:
    tile = board_store.find(connection, days.now(), extension_id)
    if tile is None:
        raise NotFound("there is no such extension")
    view.caller.require_visible(tile.tenant_id, "extension")
    return tile
