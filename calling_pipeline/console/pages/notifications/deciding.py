"""Decisions about held messages: dead letters go out again, unknown ones are settled. Ticked ones, or all that match.

Each is looked at first: the page of the act shows how many and which, and the form carries that number with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from calling_pipeline.api.dependencies import Id, Short, Text
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.console.pages.notifications.parts import HOME, Box, Operator, selection_of, state_shown
from calling_pipeline.console.views import View
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.decisions import Decision
from calling_pipeline.notifications.outbox.records import HELD, MessageState, Selection
from calling_pipeline.notifications.outboxes import OUTBOXES

router = APIRouter(tags=["notifications"])
FILTERS = ("state", "receiver", "kind", "subject", "from", "to", "cause")
MOST_TICKED = 1000
PER_MINUTE = 60

Ticked = Annotated[list[Id] | None, Query(max_length=MOST_TICKED)]


class _Chosen(BaseModel):
    """The messages that a form is about: ticked ones, or all that fit, and how many they were when they were looked at."""

    ids: list[Id] = Field([], max_length=MOST_TICKED)
    state: Short = ""
    receiver: Short = ""
    kind: Short = ""
    subject: Short = ""
    first: Short = Field("", alias="from")
    last: Short = Field("", alias="to")
    cause: Short | None = None
    expect: int = Field(ge=1)
    reason: Text = Field(min_length=1, max_length=500)

    def selection(self, *states: MessageState) -> Selection:
        """The messages meant; `states` where the form names none."""
        return _selection(_filters(self.model_dump(by_alias=True, exclude_none=True)), self.ids, *states)


class RedriveForm(_Chosen):
    """Dead letters to send again."""

    per_minute: int = Field(PER_MINUTE, ge=1, le=10_000)


class SettleForm(_Chosen):
    """What became of held messages."""

    settle_as: Literal["delivered", "retry", "abandoned"]


@router.get("/notifications/{box}/redrive")
def ask_redrive(view: Operator, box: Box, ids: Ticked = None) -> Response:
    """How many dead letters would go out again, and which."""
    given = _filters(view.request.query_params)
    with view.transaction() as connection:
        would = decisions.redrive(connection, OUTBOXES[box], _selection(given, ids), by=view.caller.name, dry_run=True)
    rate = view.runtime.settings.wecom_robot_rate_per_minute or PER_MINUTE
    return _asked(view, "redrive", box, would, given, ids, per_minute=rate)


@router.post("/notifications/{box}/redrive")
def redrive(view: Operator, box: Box, wanted: Annotated[RedriveForm, Form()]) -> Response:
    """Send dead letters again, in their order; so many become due per minute."""
    with view.transaction() as connection:
        done = decisions.redrive(
            connection,
            OUTBOXES[box],
            wanted.selection(),
            by=view.caller.name,
            why=wanted.reason,
            per_minute=wanted.per_minute,
            expect=wanted.expect,
        )
    return view.done("notifications.redriven", back=_back(box, wanted), n=done.messages)


@router.get("/notifications/{box}/settle")
def ask_settle(view: Operator, box: Box, ids: Ticked = None) -> Response:
    """How many held messages would be settled, and which."""
    given = _filters(view.request.query_params)
    selection = _selection(given, ids, *HELD)
    with view.transaction() as connection:
        would = decisions.settle(connection, OUTBOXES[box], selection, as_="done", by=view.caller.name, why="", dry_run=True)
    return _asked(view, "settle", box, would, given, ids)


@router.post("/notifications/{box}/settle")
def settle(view: Operator, box: Box, wanted: Annotated[SettleForm, Form()]) -> Response:
    """Say what became of held messages: they arrived, they did not and are sent again, or they are left."""
    with view.transaction() as connection:
        done = decisions.settle(
            connection,
            OUTBOXES[box],
            wanted.selection(*HELD),
            as_=settlement_of(wanted.settle_as),
            by=view.caller.name,
            why=wanted.reason,
            expect=wanted.expect,
        )
    return view.done(f"notifications.settled_{wanted.settle_as}", back=_back(box, wanted), n=done.messages)


def _asked(
    view: View, act: str, box: Box, would: Decision, given: Mapping[str, str], ids: Sequence[int] | None, per_minute: int = 0
) -> Response:
    return view.page(
        f"notifications/{act}.html",
        would=would,
        samples=[(message, state_shown(message.state)) for message in would.sample],
        given=given,
        ids=list(ids or ()),
        box=box,
        per_minute=per_minute,
    )


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in FILTERS if given.get(name, "") != "" or (name == "cause" and "cause" in given)}


def _selection(given: Mapping[str, str], ids: Sequence[int] | None, *states: MessageState) -> Selection:
    """The ticked messages, or all that fit the filters."""
    return Selection(tuple(ids), states) if ids else selection_of(given, states=states)


def _back(box: Box, wanted: _Chosen) -> str:
    """One message's page for one message, else the page of the outbox."""
    return f"/notifications/{box}/messages/{wanted.ids[0]}" if len(wanted.ids) == 1 else HOME[box]
