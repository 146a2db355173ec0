"""The room's records: a day's numbers, the proof that they are complete, and what a sync did with a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from calling_pipeline.gate_rules import GateRule

Track = Literal["task", "grade"]
TRACKS: tuple[Track, ...] = ("task", "grade")
ASSETS: Mapping[Track, tuple[str, ...]] = {
    "grade": ("call_records", "grade_stats_cache", "agent_ranking", "hourly_orders"),
    "task": ("task_stats_cache",),
}
"""The assets of each track; the first is what the vendor is read for, the others are counted from it."""
SyncType = Literal["long_historical", "historical", "today", "manual"]
"""Which window a sync read: T-10 … yesterday, T-3 … yesterday, today, or days that a person chose."""
Mode = Literal["full", "incremental"]
Outcome = Literal["stored", "superseded", "held"]
HeldState = Literal["open", "published", "discarded", "replaced"]
"""What became of a held day: a person published or discarded it, or a newer read replaced it."""
Progress = Callable[[dt.date, int, int], None]
"""Called after every page with the day, the pages read and the pages expected."""


@dataclass(frozen=True)
class Reason:
    """A rule of the publishing gate that a read broke. `numbers` are the figures behind the sentence."""

    rule: GateRule
    severity: Literal["hold", "warn"]
    sentence: str
    numbers: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class FetchProof:
    """What the vendor reported for a day and what was read of it.

    `distinct_ids` counts different call ids or dialling tasks; `complete` is `distinct_ids == reported_total`. Calls that
    the vendor sent for this day but that lie in another (`outside_day`) are among them and are not stored.
    The read covers `window_start` … `window_end`, both included.
    `rows_*`: what the read changed in `call_records`; `late_rows`: changes that the incremental reads before it missed.
    `dialled` and `connected` count the day's calls on the grade track; `full_read_at` is when the newest read of the whole
    day began. `warnings` are what the publishing gate found and let pass, each `{"rule", "sentence", …}`. `numbers` are what
    was published of it, None in proofs of versions before.
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
    dialled: int | None = None
    connected: int | None = None
    full_read_at: dt.datetime | None = None
    warnings: Sequence[Mapping[str, Any]] = ()
    numbers: Mapping[str, Any] | None = None

    @property
    def complete(self) -> bool:
        return self.distinct_ids == self.reported_total

    @property
    def stored_rows(self) -> int:
        """Call records of the day that are stored after this read."""
        return self.distinct_ids - self.outside_day


@dataclass(frozen=True)
class HeldNotice:
    """A newer read of the day that the gate holds; `numbers` are what it would have published."""

    id: int
    held_at: dt.datetime
    reasons: Sequence[Mapping[str, Any]]
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class FailedRead:
    """The newest attempt to read a day that failed, and how many did since the day was last read."""

    failed_at: dt.datetime
    failures: int
    error: str


@dataclass(frozen=True)
class HeldDay:
    """One row of `held_days`. `numbers_before`: what was published when it was held or decided."""

    id: int
    track: Track
    date: dt.date
    state: HeldState
    fetch_number: int
    held_at: dt.datetime
    reasons: Sequence[Mapping[str, Any]]
    numbers: Mapping[str, Any]
    numbers_before: Mapping[str, Any] | None
    proof: Mapping[str, Any]
    closed_at: dt.datetime | None
    closed_by: str | None
    closing_reason: str | None


@dataclass(frozen=True)
class GradeDay:
    """One row of `grade_stats_cache` and its proof (None: cached before its proof was pruned).

    `held` and `failed`: a newer read that the gate holds, and the newest attempt when it failed.
    """

    date: dt.date
    grade_9: int
    grade_1: int
    total_success: int
    total_records: int
    calculated_at: dt.datetime
    elapsed_time: float
    sync_type: str
    proof: FetchProof | None = None
    held: HeldNotice | None = field(default=None, compare=False)
    failed: FailedRead | None = field(default=None, compare=False)

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
    held: HeldNotice | None = field(default=None, compare=False)
    failed: FailedRead | None = field(default=None, compare=False)

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

    `held`: the publishing gate kept the read aside, and records and numbers are those from before. `stats` is what the
    cache holds afterwards, None when it holds nothing. `reasons` are what the gate found, warnings included.
    """

    date: dt.date
    track: Track
    outcome: Outcome
    proof: FetchProof
    stats: GradeDay | TaskDay | None
    elapsed_s: float
    reasons: tuple[Reason, ...] = ()


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


@dataclass(frozen=True)
class HistoryDay:
    """One row of `daily_history`: the newest numbers of both tracks; None of a track that never read the day.

    Columns have the names and units of the caches. The caches and proofs of the day may have been pruned since.
    """

    date: dt.date
    total_tasks: int | None
    callout_number: int | None
    called_number: int | None
    success_number: int | None
    connected_rate: Decimal | None
    task_calculated_at: dt.datetime | None
    task_sync_type: str | None
    task_fetch_number: int | None
    grade_9: int | None
    grade_1: int | None
    total_success: int | None
    total_records: int | None
    grade_calculated_at: dt.datetime | None
    grade_sync_type: str | None
    grade_fetch_number: int | None
    updated_at: dt.datetime
