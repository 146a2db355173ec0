"""The shapes of what `views`, `ranges/views` and `trend` answer, as the description of the API shows them."""

from __future__ import annotations

import datetime as dt
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from calling_pipeline.call_stats.ranges.records import Standing
from calling_pipeline.call_stats.records import HeldState, Mode, Track


class WarningDocument(TypedDict):
    """What is to be known beside a day's numbers: the rule, and a sentence."""

    rule: str
    sentence: str


class ReasonDocument(TypedDict):
    """A rule of the publishing gate that a read broke, with the figures behind the sentence."""

    rule: str
    severity: Literal["hold", "warn"]
    sentence: str
    numbers: NotRequired[dict[str, int | float]]


class HeldNoticeDocument(TypedDict):
    """A newer read that the gate holds: its id, when, why, and the numbers that it would have published."""

    id: int
    held_at: dt.datetime
    reasons: list[ReasonDocument]
    numbers: dict[str, int | float | None]


class LastAttemptDocument(TypedDict):
    """The newest attempt to read a day when its numbers are not published; `failures` of failed ones in a row."""

    outcome: Literal["failed", "held"]
    at: dt.datetime
    error: str
    failures: NotRequired[int]


class _Day(TypedDict):
    date: dt.date
    calculated_at: dt.datetime | None
    sync_type: str | None
    elapsed_time: float
    sync_elapsed_s: float | None
    from_cache: bool
    complete: bool | None
    age_s: float | None
    next_sync_at: dt.datetime | None
    mode: Mode | None
    full_read_at: dt.datetime | None
    warnings: list[WarningDocument]
    held: HeldNoticeDocument | None
    last_attempt: LastAttemptDocument | None


class GradeDayDocument(_Day):
    """A day's orders. `elapsed_time`: seconds of this answer; `sync_elapsed_s`: of the sync; `age_s`: since the count.

    In a range numbers are null where there are none. `joined`: a refresh that another request had begun.
    """

    grade_9: int | None
    grade_1: int | None
    total_success: int | None
    total_records: int | None
    joined: NotRequired[bool]


class TaskDayDocument(_Day):
    """A day's dialling tasks, keys as in `GradeDayDocument`; `connected_rate` is a percentage."""

    total_tasks: int | None
    callout_number: int | None
    called_number: int | None
    success_number: int | None
    connected_rate: float | None
    joined: NotRequired[bool]


class GradeRangeDay(GradeDayDocument):
    """One day of a range: where its numbers come from, and how it stands."""

    source: Literal["cache", "history"] | None
    standing: Standing


class TaskRangeDay(TaskDayDocument):
    """One day of a range: where its numbers come from, and how it stands."""

    source: Literal["cache", "history"] | None
    standing: Standing


class HeldDocument(TypedDict):
    """A held day: what was read, what stands, and who closed it."""

    id: int
    track: Track
    date: dt.date
    state: HeldState
    held_at: dt.datetime
    reasons: list[ReasonDocument]
    numbers: dict[str, int | float | None]
    numbers_before: dict[str, int | float | None] | None
    closed_at: dt.datetime | None
    closed_by: str | None
    closing_reason: str | None


class TrendStanding(TypedDict):
    """How a day stands on each track."""

    task: Standing
    grade: Standing


class TrendDocument(TypedDict):
    """One day of the trend; numbers of a track that never read the day are null."""

    date: dt.date
    callout_number: int | None
    called_number: int | None
    success_number: int | None
    connected_rate: float | None
    total_records: int | None
    grade_9: int | None
    grade_1: int | None
    total_success: int | None
    order_rate: float | None
    orders_mean_7: float | None
    connected_rate_mean_7: float | None
    orders_week_before: int | None
    under_way: bool
    standing: TrendStanding
