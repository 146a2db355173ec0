"""Which part of a day a sync reads: all of it, or only what is new since the last read plus an overlap. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from calling_pipeline import days
from calling_pipeline.call_stats.records import FetchProof, Mode
from calling_pipeline.errors import InvalidInput

OVERLAP = dt.timedelta(hours=1)
"""Calls get their grade within minutes; what is older than this changes only by later correction."""
FULL_READ_EVERY = dt.timedelta(hours=1)
"""Today is read in full at least this often, which finds corrections and proves the incremental reads."""
_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class ReadPlan:
    """The part of a day that one read asks for: `start` … `end`, both inclusive.

    `settled`: what the read changes before this instant, an earlier incremental read has missed. It is the day's start when
    the day was last read in full: changes are then later corrections by the operators.
    """

    mode: Mode
    day_start: dt.datetime
    start: dt.datetime
    end: dt.datetime
    settled: dt.datetime


def plan_read(
    day: dt.date, sync_type: str, now: dt.datetime, last: FetchProof | None, last_full: FetchProof | None
) -> ReadPlan:
    """How to read `day` at `now`, given the last reads stored for it.

    The end is frozen at the last whole second, so that calls made during the read do not shift its pages. Only the scheduled
    sync of the current day is ever incremental. Raises `InvalidInput` for a day that has not begun.
    """
    day_start, next_day = days.day_bounds(day)
    if now < day_start:
        raise InvalidInput(f"{day} has not begun in Shanghai; choose {days.day_of(now)} or an earlier day", field="date")
    end = max(day_start, min(next_day, now.replace(microsecond=0)) - _SECOND)
    settled = last.window_end - OVERLAP if last is not None else day_start
    recent = last_full is not None and now - last_full.started_at < FULL_READ_EVERY
    if sync_type == "today" and last is not None and recent and last.complete and day_start < settled and now < next_day:
        return ReadPlan("incremental", day_start, settled, end, settled)
    grew_by_increments = last is not None and last.mode == "incremental"
    return ReadPlan("full", day_start, day_start, end, settled if grew_by_increments else day_start)


def full(plan: ReadPlan) -> ReadPlan:
    """The same plan, reading the whole day."""
    return ReadPlan("full", plan.day_start, plan.day_start, plan.end, plan.settled)
