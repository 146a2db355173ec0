"""The operator's first look: what every room says of itself, and what of it needs a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from calling_pipeline.analysis.dagster_storage.records import DagsterState
from calling_pipeline.call_batches.batches.records import OpenBatch
from calling_pipeline.call_stats.recent.records import Comparison, ScheduledSync, Speed
from calling_pipeline.call_stats.records import Track

DayCondition = Literal["good", "bad", "held", "missing", "not due"]
"""`bad`: cached, and a check of the day fails or its newest attempt did. `held`: the gate keeps the newest read aside, and
older numbers or none stand. `not due`: not cached, and no sync was due yet."""
Section = Literal["syncs", "days", "vendor", "alerts", "batches", "messages", "extensions", "dagster"]


@dataclass(frozen=True)
class DayState:
    """One day of one track, and why it is not good; `reasons` is empty for a good one."""

    date: dt.date
    track: Track
    condition: DayCondition
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenAlert:
    """A condition that is failing, since when it is, and what is wrong."""

    id: int
    name: str
    severity: str
    since: dt.datetime
    title: str


@dataclass(frozen=True)
class PoolUse:
    """The extensions of all configurations, or of one tenant's; those offline can be allocated to nobody."""

    total: int
    in_use: int
    available: int
    cooling_down: int
    offline: int


@dataclass(frozen=True)
class Watcher:
    """The outside watcher (CALLING_HEARTBEAT_URL): whether there is one, and when it last heard that all is well."""

    is_set: bool = False
    last_heard_at: dt.datetime | None = None


@dataclass(frozen=True)
class Facts:
    """Everything the first look shows, as it was at `at`. `messages`: open messages by outbox and state."""

    at: dt.datetime
    syncs: tuple[ScheduledSync, ...]
    days: tuple[DayState, ...]
    numbers: tuple[Comparison, ...]
    vendor: tuple[Speed, ...]
    alerts: tuple[OpenAlert, ...]
    batches: tuple[OpenBatch, ...]
    messages: Mapping[str, Mapping[str, int]]
    extensions: PoolUse
    dagster: DagsterState
    watcher: Watcher


@dataclass(frozen=True)
class Problem:
    """One thing that is not well, and what to do about it.

    `about`: which of its section: a day, a batch's or a run's id, an outbox and a state (`contracts:dead`); empty for the
    section as a whole.
    """

    section: Section
    what: str
    do: str
    about: str = ""


@dataclass(frozen=True)
class Status(Facts):
    """The facts, what of them is not well, and whether all is (`healthy`). `shadow`: shadow mode is on."""

    healthy: bool
    problems: tuple[Problem, ...]
    shadow: bool = False
