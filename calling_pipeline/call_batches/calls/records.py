"""Claimed calls and what became of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from calling_pipeline.call_batches.records import CallState

LogOutcome = Literal["pushed", "refused", "failed", "not_sent", "unknown", "settled_pushed", "settled_retry"]

About = Literal["person", "account"]
"""What a refusal is about: the number, then it is final for a while; or our account, then a person decides."""


@dataclass(frozen=True)
class Claimed:
    """One call that this runner may make now."""

    id: int
    phone: str = field(repr=False)
    staff_name: str | None
    sys_name: str | None
    order_type: str | None
    order_nums: int | None
    distinct_id: str
    attempt: int
    claim: str


@dataclass(frozen=True)
class ClaimDecision:
    """What a claim makes of one due call: `pushing`, `skipped` for a reason, or `pending` until `not_before`."""

    id: int
    state: Literal["pushing", "skipped", "pending"]
    distinct_id: str | None
    reason: str | None = None
    not_before: dt.datetime | None = None


@dataclass(frozen=True)
class Result:
    """What became of one claimed call: its next state (`pending` again when it was not sent) and its log row."""

    call: Claimed
    state: CallState
    outcome: LogOutcome
    resp_code: str = ""
    message: str = ""
    http_status: int | None = None
    sent_at: dt.datetime | None = None
    answered_at: dt.datetime | None = None
    not_before: dt.datetime | None = None
    about: About | None = None


@dataclass(frozen=True)
class UnknownCall:
    """One call whose outcome is unknown, for the operator who settles it."""

    id: int
    batch_id: int
    phone: str = field(repr=False)
    distinct_id: str
    claimed_at: dt.datetime
    message: str
