"""Subscriptions, deliveries and decisions about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from calling_pipeline.access.people.records import Language
from calling_pipeline.at_most_once.outcome import Outcome
from calling_pipeline.reports.records import Period, ReportKind
from calling_pipeline.vendors.smtp.addresses import mask_address

Format = Literal["pdf", "xlsx", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
WeekDays = Literal["every", "working"]
"""`working`: what is made on a Saturday, Sunday or holiday is sent on the next working day."""
DeliveryState = Literal["pending", "sending", "sent", "refused", "dead", "unknown", "abandoned"]
"""`refused`: the server will not take it for this receiver. `dead`: given up after many attempts; certainly not sent.
`unknown`: it may have arrived, and is held until a person settles it. `abandoned`: not to be sent, by a person or because a
newer revision takes its place."""
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
HELD: tuple[DeliveryState, ...] = ("unknown", "dead", "refused")
"""What waits for a person."""
STATE_OF: Mapping[Outcome, DeliveryState] = {"done": "sent", "refused": "refused", "retry": "pending", "unknown": "unknown"}
CHANNEL = "channel:"
"""What the receiver of a summary to an Apprise channel begins with."""


@dataclass(frozen=True)
class Subscription:
    """Who gets which reports and how. `receiver`: a mail address or `channel:ID`; `until`: the last day, None without end.

    `corrections`: a revision with other numbers is mailed too. `not_before`: hour of the day before which nothing is sent.
    """

    id: int
    kind: ReportKind
    receiver: str
    language: Language
    formats: tuple[Format, ...]
    corrections: bool
    week_days: WeekDays
    not_before: int
    first: dt.date
    until: dt.date | None
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None
    ended_by: str

    @property
    def shown(self) -> str:
        """The receiver as logs and alerts may name it."""
        return shown(self.receiver)


@dataclass(frozen=True)
class Edition:
    """What all who get the same mail have in common."""

    report_id: int
    language: Language
    formats: tuple[str, ...]
    correction: bool


@dataclass(frozen=True)
class Claimed:
    """A delivery that this process alone may make now."""

    id: int
    report_id: int
    receiver: str
    language: Language
    formats: tuple[str, ...]
    correction: bool
    message_id: str
    created_at: dt.datetime
    attempts: int
    failures: int

    @property
    def edition(self) -> Edition:
        """The mail without its receiver."""
        return Edition(self.report_id, self.language, self.formats, self.correction)


@dataclass(frozen=True)
class Attempt:
    """The result of one attempt, as it is recorded. `failed`: it counts towards giving up."""

    claimed: Claimed
    state: DeliveryState
    answer: str
    queue_id: str
    due_at: dt.datetime
    failed: bool


@dataclass(frozen=True)
class Delivery:
    """One report to one receiver, as people see it."""

    id: int
    report_id: int
    period: Period
    revision: int
    receiver: str
    language: Language
    formats: tuple[str, ...]
    correction: bool
    state: DeliveryState
    attempts: int
    due_at: dt.datetime
    settled_at: dt.datetime | None
    message_id: str
    queue_id: str
    answer: str
    created_at: dt.datetime
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def shown(self) -> str:
        """The receiver as logs and alerts may name it."""
        return shown(self.receiver)


@dataclass(frozen=True)
class Selection:
    """Which deliveries: these ids, or all that fit what is given. `receiver` is a part of the address."""

    ids: tuple[int, ...] | None = None
    states: tuple[DeliveryState, ...] = ()
    kind: ReportKind | None = None
    receiver: str = ""
    period: dt.date | None = None


@dataclass(frozen=True)
class Decision:
    """What was decided about deliveries, or with `dry_run` would be. `not_done`: named, and not in a state for it."""

    dry_run: bool
    ids: tuple[int, ...]
    sample: tuple[Delivery, ...] = ()
    not_done: tuple[int, ...] = ()

    @property
    def deliveries(self) -> int:
        """How many."""
        return len(self.ids)


@dataclass
class Delivered:
    """What one round did, in deliveries. `server`: why the mail server could not be used, else empty."""

    planned: int = 0
    orphaned: int = 0
    attempted: int = 0
    sent: int = 0
    retried: int = 0
    refused: int = 0
    unknown: int = 0
    dead: int = 0
    server: str = ""
    next_due_at: dt.datetime | None = None
    errors: list[str] = field(default_factory=list)

    def count(self, state: DeliveryState) -> None:
        """Count one attempt that ended in `state`."""
        self.attempted += 1
        match state:
            case "sent":
                self.sent += 1
            case "pending":
                self.retried += 1
            case "refused":
                self.refused += 1
            case "unknown":
                self.unknown += 1
            case _:
                self.dead += 1

    @property
    def failed(self) -> bool:
        """Whether a person has to look at it."""
        return bool(self.refused or self.unknown or self.dead or self.server)


def shown(receiver: str) -> str:
    """A receiver without the name before the `@`; a channel as it is."""
    return receiver if receiver.startswith(CHANNEL) else mask_address(receiver)
