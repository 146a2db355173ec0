"""Typed records of samples for review. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Wish:
    """A sample as it is asked for: up to `per_collector` connected calls of each collector from `first` to `last`.

    `second_pct` percent of them are for a second reviewer too. The same wish is the same sample.
    """

    tenant_id: int
    first: dt.date
    last: dt.date
    per_collector: int = 5
    second_pct: int = 20
    seed: int = 1


@dataclass(frozen=True)
class Sample:
    """A sample that was drawn, and how far its review is. `seconds`: calls that a second reviewer is wanted for."""

    id: int
    tenant_id: int
    first: dt.date
    last: dt.date
    per_collector: int
    second_pct: int
    seed: int
    made_at: dt.datetime
    made_by: str
    calls: int
    collectors: int
    reviewed: int
    seconds: int
    seconds_reviewed: int


@dataclass(frozen=True)
class SampledCall:
    """A call of a sample: with which probability it was drawn from the `population` of its collector.

    `scores` are what the reviewers think now, in the order in which they first noted.
    """

    record_id: int
    tenant_id: int
    collector_id: int
    collector: str
    started_at: dt.datetime
    duration_s: int | None
    destination_masked: str
    population: int
    probability: float
    second: bool
    scores: Sequence[int]

    @property
    def missing(self) -> int:
        """How many reviewers are still wanted."""
        return max(0, 1 + self.second - len(self.scores))
