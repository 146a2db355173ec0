"""The room's records: a day's numbers, the proof that they are complete, and what a sync did with a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Track = Literal["task", "grade"]
TRACKS: tuple[Track, ...] = ("task", "grade")
SyncType = Literal["long_historical", "historical", "today", "manual"]
"""Which window a sync read: T-10 … yesterday, T-3 … yesterday, today, or days that a person chose."""
Mode = Literal["full", "incremental"]
Outcome = Literal["stored", "superseded"]
Progress = Callable[[dt.date, int, int], None]
"""Called after every page with the day, the pages read and the pages expected."""


@dataclass(frozen=True)
class FetchProof:
    """What the vendor reported for a day and what was read of it.

    `distinct_ids` counts different call ids (grade track: those stored) or dialling tasks (task track);
    `complete` is `distinct_ids == reported_total`. The read covers `window_start` … `window_end`, both included.
    `rows_*`: what the read changed in `call_records`; `late_rows`: changes that the incremental reads before it missed.
    """

    fetch_number: int
    track: Track
    date: dt.date
    mode: Mode
    sync_type: str
    window_start: dt.datetime
    window_end: dt.datetime
    started_at: dt.datetime
    finished_at: dt.datetime
    reported_total: int
    rows_fetched: int
    distinct_ids: int
    pages: int
    pages_read_again: int
    retries: int
    elapsed_s: float
    rows_added: int = 0
    rows_changed: int = 0
    rows_removed: int = 0
    late_rows: int = 0
    outside_day: int = 0
    unknown_grades: Mapping[str, int] = field(default_factory=dict)
    new_fields: Mapping[str, int] = field(default_factory=dict)
    missing_fields: Mapping[str, int] = field(default_factory=dict)
    run_id: str = ""

    @property
    def complete(self) -> bool:
        return self.distinct_ids == self.reported_total


@dataclass(frozen=True)
class GradeDay:
    """One row of `grade_stats_cache` and its proof (None: cached before its proof was pruned)."""

    date: dt.date
    grade_9: int
    grade_1: int
    total_success: int
    total_records: int
    calculated_at: dt.datetime
    elapsed_time: float
    sync_type: str
    proof: FetchProof | None = None

    @property
    def complete(self) -> bool:
        return self.proof is not None and self.proof.complete


@dataclass(frozen=True)
class TaskDay:
    """One row of `task_stats_cache` and its proof; `connected_rate` is a percentage with two decimals."""

    date: dt.date
    total_tasks: int
    callout_number: int
    called_number: int
    success_number: int
    connected_rate: Decimal
    calculated_at: dt.datetime
    sync_type: str
    proof: FetchProof | None = None

    @property
    def complete(self) -> bool:
        return self.proof is not None and self.proof.complete


@dataclass(frozen=True)
class TaskSums:
    """A day's numbers over all dialling tasks, as they were read."""

    tasks: int = 0
    calls: int = 0
    connected: int = 0
    successes: int = 0


@dataclass(frozen=True)
class DayResult:
    """What a sync did with one day. `superseded`: a newer read of the day was stored first, this one was discarded.

    `stats` is what the cache holds afterwards, None when the numbers are not published yet.
    """

    date: dt.date
    track: Track
    outcome: Outcome
    proof: FetchProof
    stats: GradeDay | TaskDay | None
    elapsed_s: float


@dataclass(frozen=True)
class AgentRank:
    """One row of `agent_ranking`; `agent_id` is empty for calls of no agent."""

    date: dt.date
    agent_id: str
    position: int
    calls: int
    connected: int
    talk_s: int
    grade_9: int
    grade_1: int
    orders: int


@dataclass(frozen=True)
class HourlyOrders:
    """One row of `hourly_orders`: the calls of one hour of the day, 0 … 23."""

    date: dt.date
    hour: int
    calls: int
    connected: int
    grade_9: int
    grade_1: int
    orders: int
