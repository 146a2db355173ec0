"""Several days at once: what stands of each, and what agents and hours add up to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from calling_pipeline.call_stats.records import FailedRead, GradeDay, HeldNotice, HistoryDay, TaskDay, Track

Standing = Literal["complete", "incomplete", "kept", "held", "missing", "not due"]
"""`complete`, `incomplete`: cached, by its fetch proof. `kept`: the caches have let the day go, `daily_history` has its
numbers. `held`: the gate keeps the newest read aside, older numbers or none stand. `not due`: no sync was due yet."""


@dataclass(frozen=True)
class RangeDay:
    """One day of one track: the cached row, what `daily_history` has kept (None while it is cached), and what came after."""

    date: dt.date
    track: Track
    cached: GradeDay | TaskDay | None
    kept: HistoryDay | None
    held: HeldNotice | None
    failed: FailedRead | None


@dataclass(frozen=True)
class AgentTotal:
    """One agent over several days; `days`: those with calls of theirs. `agent_id` is empty for calls of no agent."""

    agent_id: str
    position: int
    days: int
    calls: int
    connected: int
    talk_s: int
    grade_9: int
    grade_1: int
    orders: int


@dataclass(frozen=True)
class HourTotal:
    """One hour of the day, 0 … 23, over several days; `days`: those with calls in it."""

    hour: int
    days: int
    calls: int
    connected: int
    grade_9: int
    grade_1: int
    orders: int


@dataclass(frozen=True)
class WeekdayHour:
    """One hour of one weekday (1 Monday … 7 Sunday) over several days; `days`: the cached ones of that weekday."""

    weekday: int
    hour: int
    days: int
    calls: int
    connected: int
    orders: int
