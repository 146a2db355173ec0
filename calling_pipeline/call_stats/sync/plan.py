"""Which part of a day a sync reads: all of it, or only what is new since the last read plus an overlap. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calling_pipeline import days
from calling_pipeline.call_stats.records import FetchProof, Mode
from calling_pipeline.errors import InvalidInput

OVERLAP = dt.timedelta(hours=1)
"""Calls get their grade within minutes; what is older than this changes only by later correction."""
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class ReadPlan:
    """The part of a day that one read asks for: `start` … `end`, both inclusive.

    `settled`: what the read changes before this instant, an earlier incremental read has missed. It is the day's start when
    the day was last read in full: changes are then later corrections by the operators. An incremental read goes on from a
    full one (`full_read_at`) and does not see again what the reads since then warned of (`warnings`).
    """

    mode: Mode
    day_start: dt.datetime
    start: dt.datetime
    end: dt.datetime
    settled: dt.datetime
    full_read_at: dt.datetime | None = None
    warnings: Sequence[Mapping[str, Any]] = ()


def plan_read(
    day: dt.date,
    sync_type: str,
    now: dt.datetime,
    last: FetchProof | None,
    last_full: FetchProof | None,
    *,
    full_read: bool = False,
) -> ReadPlan:
    """How to read `day` at `now`, given the last reads stored for it.

    The end is frozen at the last whole second, so that calls made during the read do not shift its pages. Only the scheduled
    sync of the current day is ever incremental, and the first of every clock hour is not: a full read finds corrections and
    proves the incremental ones. Raises `InvalidInput` for a day that has not begun.
    """
    day_start, next_day = days.day_bounds(day)
    if now < day_start:
        raise InvalidInput(f"{day} has not begun in Shanghai; choose {days.day_of(now)} or an earlier day", field="date")
    end = max(day_start, min(next_day, now.replace(microsecond=0)) - _SECOND)
    settled = last.window_end - OVERLAP if last is not None else day_start
    may_be_incremental = sync_type == "today" and not full_read and day_start < settled and now < next_day
    if may_be_incremental and last is not None and last_full is not None and _goes_on_from(last, last_full, now):
        return ReadPlan("incremental", day_start, settled, end, settled, last_full.started_at, last.warnings)
    grew_by_increments = last is not None and last.mode == "incremental"
    return ReadPlan("full", day_start, day_start, end, settled if grew_by_increments else day_start)


def full(plan: ReadPlan) -> ReadPlan:
    """The same plan, reading the whole day."""
    return ReadPlan("full", plan.day_start, plan.day_start, plan.end, plan.settled)


def _goes_on_from(last: FetchProof, last_full: FetchProof, now: dt.datetime) -> bool:
    """Whether the reads before leave a day that an incremental one can complete and prove."""
    return _hour(last_full.started_at) == _hour(now) and last.complete and not last.outside_day


def _hour(instant: dt.datetime) -> dt.datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
