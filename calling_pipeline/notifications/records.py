"""What contracts and technicians share: a message on its way, and what delivering did. Knows neither of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MessageState = Literal["pending", "sending", "delivered", "unknown", "dead", "abandoned"]
Settlement = Literal["delivered", "retry", "abandoned"]

STATES: tuple[MessageState, ...] = ("pending", "sending", "delivered", "unknown", "dead", "abandoned")
"""`unknown`: perhaps sent, held until a person settles it. `dead`: certainly not sent and given up. `abandoned`: a
person decided that it is not to be sent."""


@dataclass(frozen=True)
class Draft:
    """A message to put into an outbox. `receiver` is `robot:GROUP` or `user:CONTACT`, names of the settings."""

    receiver: str
    kind: str
    body: str
    cut_bytes: int = 0


@dataclass(frozen=True)
class Claimed:
    """A message this process alone may send now."""

    id: int
    receiver: str
    body: str
    attempts: int
    failures: int


@dataclass(frozen=True)
class Fact:
    """What became of one attempt, as it is written down."""

    message: Claimed
    state: MessageState
    reason: str | None
    due_at: dt.datetime
    failed: bool


@dataclass
class DispatchReport:
    """What one dispatch did, in messages."""

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

    def add(self, other: DispatchReport) -> None:
        """Add another dispatch's counts."""
        for name in ("attempted", "delivered", "retried", "unknown", "dead"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.next_due_at = other.next_due_at


@dataclass(frozen=True)
class KeptMessage:
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
    history: tuple[Mapping[str, Any], ...] = field(default=())
