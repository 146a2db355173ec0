"""What the pages of the notifications share: who may open them, which outbox a page is about, colours, filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import Depends

from calling_pipeline.access.audit.views import span
from calling_pipeline.console.lists.columns import State
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import MESSAGE_STATES, MessageState, Selection

Box = Literal["contracts", "technicians"]
Viewer = Annotated[View, Depends(viewing("viewer", "notifications"))]
Operator = Annotated[View, Depends(viewing("operator", "notifications"))]

KINDS: Mapping[Box, tuple[str, ...]] = {
    "contracts": ("send_wecom_message", "send_wechat_message"),
    "technicians": ("company", "robot"),
}
HOME: Mapping[Box, str] = {"contracts": "/notifications", "technicians": "/notifications/technicians"}
_TONES: Mapping[str, str] = {
    "pending": "busy",
    "sending": "busy",
    "delivered": "good",
    "unknown": "warn",
    "dead": "bad",
    "abandoned": "quiet",
}


def dependencies(view: View) -> NotificationDependencies:
    """What the room needs beside a connection."""
    return NotificationDependencies.from_runtime(view.runtime)


def state_shown(state: str) -> State:
    """A message's state with its colour."""
    return State(f"notifications.state_{state}", _TONES[state])


def kind_shown(kind: str) -> State:
    """A message's kind."""
    return State(f"notifications.kind_{kind}")


def messages_address(box: Box, **filters: object) -> str:
    """The list of an outbox's messages, filtered."""
    given = {name: value for name, value in filters.items() if value not in (None, "")}
    return f"/notifications/{box}/messages" + (f"?{urlencode(given)}" if given else "")


def contract_address(contract_id: str) -> str:
    """The page of one contract."""
    return f"/notifications/contract?id={quote(contract_id, safe='')}"


def selection_of(given: Mapping[str, str], *, states: tuple[MessageState, ...] = ()) -> Selection:
    """The messages that the filters of an address mean; `states` where it names none.

    Raises `InvalidInput` for a state or a day that there is not.
    """
    wanted = given.get("state", "")
    named = tuple(state for state in MESSAGE_STATES if state == wanted)
    if wanted and not named:
        raise InvalidInput(f"no message is {wanted[:40]}; states are {', '.join(MESSAGE_STATES)}", field="state")
    since, until = span(given.get("from") or None, given.get("to") or None, names=("from", "to"))
    return Selection(
        states=named or states,
        receiver=given.get("receiver") or None,
        cause=given.get("cause"),
        subject=given.get("subject") or None,
        kind=given.get("kind") or None,
        since=since,
        until=until,
    )


def advice_of(state: str, last_error: str | None) -> str:
    """The text that says what to do about a held message, by why it is held."""
    said = last_error or ""
    if state != "dead":
        return "notifications.advice_unknown"
    if said.startswith("CALLING_WECOM_"):
        return "notifications.advice_settings"
    if "errcode 93000" in said:
        return "notifications.advice_robot"
    if "no such receiver" in said or "errcode 81013" in said:
        return "notifications.advice_user"
    if said.endswith("the message then goes on by itself"):
        return "notifications.advice_ledger"
    return "notifications.advice_vendor" if said.startswith("given up after") else "notifications.advice_dead"
