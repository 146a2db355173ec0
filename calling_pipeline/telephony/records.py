"""Typed records of telephony. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Strategy = Literal["lru", "round_robin", "affinity"]
STRATEGIES: tuple[Strategy, ...] = ("lru", "round_robin", "affinity")
ExtensionState = Literal["available", "in_use", "offline"]
CallState = Literal["initiating", "ringing", "connected", "not_connected", "busy", "cancelled", "failed", "unknown"]
Reason = Literal["none_free", "over_limit", "no_config", "no_collector", "busy"]
REASONS: Mapping[Reason, str] = {
    "none_free": "no extension is free",
    "over_limit": "the tenant's limit of concurrent calls is reached",
    "no_config": "the tenant has no enabled Infinity configuration",
    "no_collector": "there is no such active collector",
    "busy": "every free extension was being taken at this instant; try again",
}


@dataclass(frozen=True)
class Allocation:
    """An extension allocated to one collector.

    `fence` is the token that a release must show; `repeated`: the collector held the extension already.
    """

    extension_id: int
    number: str
    fence: int
    config_id: int
    repeated: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why no extension was allocated, with the state of the pool."""

    reason: Reason
    total: int = 0
    in_use: int = 0
    free: int = 0
    cooling_down: int = 0
    offline: int = 0

    def __str__(self) -> str:
        pool = f" ({self.in_use} in use, {self.cooling_down} cooling down, {self.offline} offline of {self.total})"
        return REASONS[self.reason] + (pool if self.reason in ("none_free", "over_limit", "busy") else "")


@dataclass(frozen=True)
class Config:
    """One tenant's account with Infinity, as anyone may see it: secrets are masked."""

    id: int
    tenant_id: int
    name: str
    api_url: str
    app_id: str
    access_key: str
    callback_secret: str
    previous_secret_until: dt.datetime | None
    enabled: bool
    strategy: Strategy
    max_concurrent_calls: int
    ring_timeout_s: int
    cool_down_s: int
    quarantine_after: int
    quarantine_s: int
    caller_numbers: list[str]
    caller_range_start: str | None
    caller_range_end: str | None
    contact_rules: Mapping[str, Any]
    calls_per_hour: int | None
    calls_per_day: int | None
    collector_calls_per_hour: int | None
    collector_calls_per_day: int | None
    callback_addresses: list[str]
    unsigned_callbacks: bool
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True)
class Account:
    """What a call needs of a configuration, the secret opened."""

    config_id: int
    tenant_id: int
    api_url: str
    app_id: str
    access_key: str = field(repr=False)


@dataclass(frozen=True)
class Extension:
    """One line of the pool."""

    id: int
    tenant_id: int
    config_id: int
    number: str
    label: str
    state: ExtensionState
    holder: int | None
    fence: int
    allocated_at: dt.datetime | None
    last_used_at: dt.datetime | None
    ready_at: dt.datetime | None
    failures: int
    draining: bool
    offline_reason: str
    quarantined_until: dt.datetime | None
    created_at: dt.datetime


ImportResult = Literal["imported", "duplicate_in_file", "already_there", "invalid"]


@dataclass(frozen=True)
class ImportRow:
    """What became of one row of a bulk import. `row` counts from 1."""

    row: int
    number: str
    result: ImportResult
    reason: str = ""


@dataclass(frozen=True)
class PoolStatistics:
    """One configuration's pool at an instant. `utilisation_pct` is in_use of what is not offline."""

    tenant_id: int
    config_id: int
    config_name: str
    enabled: bool
    max_concurrent_calls: int
    total: int
    available: int
    cooling_down: int
    in_use: int
    offline: int
    quarantined: int
    draining: int
    last_used_at: dt.datetime | None
    utilisation_pct: float


@dataclass(frozen=True)
class Collector:
    """One agent. `callback_number` is masked."""

    tenant_id: int
    id: int
    name: str
    callback_number: str
    active: bool
    extension_id: int | None
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True)
class CallWish:
    """What a collector asks for. `phone` is the customer's full number, canonical; it is stored nowhere."""

    tenant_id: int
    collector_id: int
    phone: str = field(repr=False)
    case_id: str = ""
    customer_id: str = ""
    strategy: Strategy | None = None


@dataclass(frozen=True)
class OpenedCall:
    """A communication record just made, and what MakeCall needs."""

    record_id: int
    reference: str
    allocation: Allocation
    caller_number: str | None
    ring_timeout_s: int


CallOutcomeKind = Literal["ringing", "refused", "failed", "unknown"]


@dataclass(frozen=True)
class CallOutcome:
    """What became of a request to call. `rule` names who refused: an allocation reason or `contact_policy:<rule>`."""

    kind: CallOutcomeKind
    sentence: str
    call_id: int | None = None
    call_uuid: str | None = None
    extension: str | None = None
    rule: str = ""
    state: CallState | None = None
    not_before: dt.datetime | None = None


@dataclass(frozen=True)
class CommunicationRecord:
    """Our record of one Infinity call, as shown: numbers masked."""

    id: int
    reference: str
    tenant_id: int
    config_id: int
    collector_id: int
    extension_id: int
    extension_number: str
    case_id: str
    customer_id: str
    destination_masked: str
    caller_number: str | None
    state: CallState
    call_uuid: str | None
    started_at: dt.datetime
    called_at: dt.datetime | None
    closed_at: dt.datetime | None
    settled_at: dt.datetime | None
    settled_by: str | None
    duration_s: int | None
    contact_result: str | None
    remark: str | None
    failure_code: str | None
    failure: str | None
    recording_url: str | None
    billed_at: dt.datetime | None


CallbackOutcome = Literal["applied", "duplicate", "already_settled", "kept"]


@dataclass(frozen=True)
class WaitingCallback:
    """A callback kept because it cannot be read, or because nothing has confirmed it yet; without its body.

    `call_uuid` is the call that it names, by Infinity's id or ours; `sentence`: what is wrong. It waits until `closed_at`.
    """

    id: int
    tenant_id: int
    config_id: int
    reason: Literal["unreadable", "unconfirmed"]
    sentence: str
    call_uuid: str
    signed_at: dt.datetime
    received_at: dt.datetime
    repeats: int
    closed_at: dt.datetime | None
    closed_by: str
    outcome: str


@dataclass(frozen=True)
class StaleCall:
    """An open call (or, without a record, a held extension) that outlived its deadline."""

    record_id: int | None
    extension_id: int
    extension_number: str
    fence: int
    config_id: int
    deadline: dt.datetime


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    asked: int = 0
    released: int = 0
    still_in_call: int = 0
    not_answered: int = 0
    callbacks_matched: int = 0
    out_of_quarantine: int = 0


@dataclass(frozen=True)
class Reconciled:
    """One configuration's day of calls compared with Infinity's bill.

    `settled` and `recordings`: how many final states and recordings this reconciliation learned from the bill.
    """

    config_id: int
    tenant_id: int
    day: dt.date
    billed: int
    recorded: int
    matched: int
    billed_unknown_to_us: int
    recorded_not_billed: int
    settled: int = 0
    recordings: int = 0


@dataclass(frozen=True)
class AuditRow:
    """Who changed what, with before and after."""

    id: int
    at: dt.datetime
    who: str
    tenant_id: int | None
    action: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class Page:
    """One page of a list and how many rows there are in all."""

    rows: list[Any]
    total: int
