"""Typed records of a collector's desk. A leaf beside the other records of telephony."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from calling_pipeline.telephony.desk.cases.records import CallResult
from calling_pipeline.telephony.records import CallOutcomeKind, CallState

Batch = Literal["off", "running", "paused"]
Line = Literal["free", "starting", "ringing", "talking", "ended", "unknown", "refused", "failed"]
"""What the line is doing: `unknown` may still be a call; `ended`, `refused` and `failed` are over."""


@dataclass(frozen=True)
class Seat:
    """Whose desk: one collector of one tenant."""

    tenant_id: int
    collector_id: int


@dataclass(frozen=True)
class Desk:
    """One collector's desk as stored.

    `turn` grows with every act at the desk, and an act shows the turn that its page was made for: of two acts of one
    page the second finds nothing to do. `run` numbers the rounds through the list; `said`: why the round paused by itself.
    """

    tenant_id: int
    collector_id: int
    turn: int
    run: int
    batch: Batch
    pause_s: int
    resumed_at: dt.datetime | None
    case_id: int | None
    call_id: int | None
    said: str


@dataclass(frozen=True)
class DeskCall:
    """One press of the call button: the intent, what `make_call` said, and what the collector noted.

    `outcome` is None between the intent and the answer. `state` and the instants after it are those of the
    communication record `record_id`.
    """

    id: int
    tenant_id: int
    collector_id: int
    case_id: int
    run: int
    intended_at: dt.datetime
    outcome: CallOutcomeKind | None
    record_id: int | None
    rule: str
    sentence: str
    not_before: dt.datetime | None
    answered_at: dt.datetime | None
    result: CallResult | None
    remark: str
    noted_at: dt.datetime | None
    state: CallState | None = None
    extension_number: str | None = None
    called_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None
    duration_s: int | None = None
    contact_result: str | None = None


@dataclass(frozen=True)
class DeskState:
    """A desk at an instant: what the line is doing and what comes next.

    `over`: no call is under way, so the next may begin. `next_at`: when the round goes on by itself; None while it waits
    for a person (`waits_for_result`) or for nothing.
    """

    desk: Desk
    call: DeskCall | None
    line: Line
    over: bool
    waits_for_result: bool
    next_at: dt.datetime | None
