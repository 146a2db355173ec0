"""What contracts and technicians share: a message on its way, and what a delivery did. It knows neither of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from typing_extensions import TypedDict

MessageState = Literal["pending", "sending", "delivered", "unknown", "dead", "abandoned"]
"""`unknown`: it may have been sent, and is held until a person settles it. `dead`: a dead letter, certainly not sent and
given up. `abandoned`: a person decided that it is not to be sent."""
MESSAGE_STATES: tuple[MessageState, ...] = get_args(MessageState)

HELD: tuple[MessageState, ...] = ("unknown", "dead")
"""The states of messages that wait for a person."""
LONGEST_BODY_BYTES = 2048
"""What the vendor takes as one text message; the outbox holds nothing longer."""

HistoryEntry = TypedDict(
    "HistoryEntry", {"at": str, "from": str, "to": str, "by": str, "attempt": int, "why": str | None}, total=False
)
"""One change of a message's state. `by` is in decisions by hand, `attempt` in results of attempts."""


@dataclass(frozen=True)
class Draft:
    """A message to put into an outbox. `receiver` is `robot:GROUP` or `user:CONTACT`, names of the settings."""

    receiver: str
    kind: str
    body: str
    cut_bytes: int = 0


@dataclass(frozen=True)
class ClaimedMessage:
    """A message that this process alone may send now."""

    id: int
    receiver: str
    body: str
    attempts: int
    failures: int


@dataclass(frozen=True)
class AttemptResult:
    """The result of one attempt, as it is recorded. `failed`: it counts towards giving up."""

    message: ClaimedMessage
    state: MessageState
    reason: str | None
    due_at: dt.datetime
    failed: bool


@dataclass
class DeliveryReport:
    """What one delivery did, in messages."""

    attempted: int = 0
    delivered: int = 0
    retried: int = 0
    unknown: int = 0
    dead: int = 0
    next_due_at: dt.datetime | None = None

    def count(self, state: MessageState) -> None:
        """Count one attempt that ended in `state`."""
        self.attempted += 1
        match state:
            case "delivered":
                self.delivered += 1
            case "pending":
                self.retried += 1
            case "unknown":
                self.unknown += 1
            case _:
                self.dead += 1

    def add(self, other: DeliveryReport) -> None:
        """Add the counts of another delivery."""
        self.attempted += other.attempted
        self.delivered += other.delivered
        self.retried += other.retried
        self.unknown += other.unknown
        self.dead += other.dead
        self.next_due_at = other.next_due_at


@dataclass(frozen=True)
class HeldMessage:
    """A message that waits for a person, as an alert names it. `attempts` tells one occasion from the next."""

    id: int
    state: MessageState
    receiver: str
    attempts: int


@dataclass(frozen=True)
class Selection:
    """Which messages of an outbox: those with these ids, or all that fit what is given.

    `receiver` is `robot:GROUP` or `user:CONTACT`; `cause` is what `HeldGroup` calls it; `since` and `until` (half-open)
    are about when a message was made.
    """

    ids: tuple[int, ...] | None = None
    states: tuple[MessageState, ...] = ()
    receiver: str | None = None
    cause: str | None = None
    subject: str | None = None
    kind: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True)
class HeldGroup:
    """Held messages of one state that have the same cause, to one receiver."""

    state: MessageState
    cause: str
    receiver: str
    messages: int
    first_id: int
    since: dt.datetime


@dataclass(frozen=True)
class LaneUse:
    """One receiver's lane: messages that wait, those claimed within the last minute, and those made in the last day.

    `made`: state → messages of the last 24 hours; `last_delivered_at`: None when nothing ever was; `last_error`: what the
    oldest waiting message was answered, if anything.
    """

    receiver: str
    waiting: int
    recent: int
    made: Mapping[MessageState, int]
    last_delivered_at: dt.datetime | None
    last_error: str | None


@dataclass(frozen=True)
class Figures:
    """How sending went lately: messages created since `since`.

    `success_rate` is the share delivered of those that ended (delivered, dead, unknown, abandoned after an attempt), in
    percent; the medians are seconds from claim to result (`answer`) and from creation to delivery (`delivery`). All three
    are None without such a message. `doubled`: messages sent twice that no person ordered; it must be 0.
    """

    since: dt.datetime
    messages: int
    delivered: int
    ended: int
    success_rate: float | None
    median_answer_s: float | None
    median_delivery_s: float | None
    attempts: int
    doubled: int = 0
    resent: int = 0


@dataclass(frozen=True)
class StoredMessage:
    """One message as people see it."""

    id: int
    subject: str
    kind: str
    receiver: str
    state: MessageState
    attempts: int
    due_at: dt.datetime
    created_at: dt.datetime
    last_error: str | None
    body: str
    settled_at: dt.datetime | None
    history: tuple[HistoryEntry, ...] = field(default=())
