"""Messages of either outbox: the list with its filters and exports, and one message with all that happened to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.lists.asked import Asked, asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.notifications.parts import (
    KINDS,
    Box,
    Viewer,
    advice_of,
    contract_address,
    kind_shown,
    selection_of,
    state_shown,
)
from calling_pipeline.errors import NotFound
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox.records import HELD, MESSAGE_STATES, Selection, StoredMessage
from calling_pipeline.notifications.outboxes import OUTBOXES

router = APIRouter(tags=["notifications"])
MESSAGES_OF_A_CONTRACT = 50


@router.get("/notifications/{box}/messages")
def messages(view: Viewer, box: Box) -> Response:
    """Messages, those made last at the top. Filters: `state`, `receiver`, `kind`, `subject`, `from`, `to`, `cause`."""
    wanted = asked(view.request)
    selection = selection_of(wanted.filters)

    def read(limit: int, offset: int) -> tuple[Sequence[StoredMessage], int | None]:
        with view.transaction() as connection:
            found = OUTBOXES[box].newest(connection, selection, limit=limit, offset=offset)
            held = set(selection.states) <= set(HELD) and bool(selection.states)
            return found, OUTBOXES[box].count(connection, selection) if held else None

    found = listing(view, f"{box}-messages", "notifications", wanted, _columns(box), read)
    if isinstance(found, Response):
        return found
    return view.page(
        "notifications/messages.html",
        messages=found,
        box=box,
        kinds=KINDS[box],
        states=MESSAGE_STATES,
        acts=_acts(wanted),
    )


@router.get("/notifications/{box}/messages/{message_id}")
def message(view: Viewer, box: Box, message_id: PathId) -> Response:
    """One message: its text, who gets it, every attempt and decision, and the ledgers' rows behind it."""
    with view.transaction() as connection:
        found = OUTBOXES[box].selected(connection, Selection((message_id,)), limit=1)
        if not found:
            raise NotFound(f"there is no message {message_id} about {box}")
        behind = rows.contracts(connection, contract_id=found[0].subject, limit=20) if box == "contracts" else []
        about = Selection(subject=found[0].subject)
        others = OUTBOXES[box].selected(connection, about, limit=MESSAGES_OF_A_CONTRACT)
    return view.page(
        "notifications/message.html",
        box=box,
        message=found[0],
        state=state_shown(found[0].state),
        history=[(dt.datetime.fromisoformat(entry["at"]), entry) for entry in found[0].history],
        rows=behind,
        others=[(one, state_shown(one.state)) for one in others if one.id != message_id],
        contract_address=contract_address,
        advice_of=advice_of,
    )


def _columns(box: Box) -> Sequence[Column[StoredMessage]]:
    def subject(message: StoredMessage) -> object:
        return Link(message.subject, contract_address(message.subject)) if box == "contracts" else message.subject

    return (
        Column("id", lambda message: Link(message.id, f"/notifications/{box}/messages/{message.id}")),
        Column("subject", subject),
        Column("kind", lambda message: kind_shown(message.kind), wide=True),
        Column("receiver", lambda message: message.receiver),
        Column("state", lambda message: state_shown(message.state)),
        Column("attempts", lambda message: message.attempts, number=True, wide=True),
        Column("made", lambda message: message.created_at),
        Column("settled", lambda message: message.settled_at, wide=True),
        Column("error", lambda message: Sentence(message.last_error) if message.last_error else None, wide=True),
    )


def _acts(wanted: Asked) -> Sequence[str]:
    """What may be decided about the messages of this filter: acts that the page offers for ticked rows and for all."""
    match wanted.filters.get("state"):
        case "dead":
            return ("redrive", "settle")
        case "unknown":
            return ("settle",)
        case _:
            return ()
