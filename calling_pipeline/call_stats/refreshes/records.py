"""Refreshes of one day on request, as they are kept: asked by whom, how far, and what became of the numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from calling_pipeline.call_stats.records import Track

RefreshOutcome = Literal["stored", "held", "superseded", "failed"]
RefreshState = Literal["running", "interrupted", "stored", "held", "superseded", "failed"]


@dataclass(frozen=True)
class Refresh:
    """One row of `day_refreshes`. `by` is empty when no person asked: today's numbers were wanted and not cached.

    `pages` of `pages_expected` as last noted, about once per second. `numbers_before` and `numbers_after` are what was
    published when it began and when it ended; None without any.
    """

    id: int
    track: Track
    date: dt.date
    by: str
    started_at: dt.datetime
    pages: int
    pages_expected: int
    finished_at: dt.datetime | None
    outcome: RefreshOutcome | None
    numbers_before: Mapping[str, Any] | None
    numbers_after: Mapping[str, Any] | None
    error: str | None


@dataclass(frozen=True)
class NewestRefresh:
    """The newest refresh of a day; `under_way`: some process holds the day's lock now, so one is being made."""

    refresh: Refresh | None
    under_way: bool

    @property
    def state(self) -> RefreshState | None:
        """`interrupted`: the process ended before it could note an outcome. None: never refreshed."""
        if self.under_way:
            return "running"
        if self.refresh is None:
            return None
        return self.refresh.outcome or "interrupted"


NUMBERS = ("total_records", "dialled", "grade_9", "grade_1", "tasks", "calls", "connected", "successes")
"""The published numbers of both tracks in the order in which people read them; a document of the database has none."""


def ordered(numbers: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The numbers in that order, others behind."""
    given = numbers or {}
    return {name: given[name] for name in (*NUMBERS, *given) if name in given}


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Mapping[str, tuple[Any, Any]]:
    """The numbers that differ, each as it was and as it is."""
    was, now = before or {}, after or {}
    pairs = {name: (was.get(name), now.get(name)) for name in ordered({**was, **now})}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
