"""How much the lines were used. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hour:
    """One hour of a day. The pool's figures are None where nobody looked; `refused`: rule → clicks refused."""

    hour: int
    calls: int = 0
    connected: int = 0
    mean_pct: float | None = None
    peak_pct: float | None = None
    peak_in_use: int | None = None
    refused: Mapping[str, int] = field(default_factory=dict)

    @property
    def refusals(self) -> int:
        """Clicks refused, for whatever reason."""
        return sum(self.refused.values())


@dataclass(frozen=True)
class Usage:
    """A day of a tenant, or of all: its 24 hours, and clicks refused by rule, the most frequent first."""

    day: dt.date
    hours: Sequence[Hour]
    refused: Mapping[str, int]

    @property
    def calls(self) -> int:
        """Calls begun on the day."""
        return sum(one.calls for one in self.hours)

    @property
    def connected(self) -> int:
        """How many of them were connected."""
        return sum(one.connected for one in self.hours)

    @property
    def refusals(self) -> int:
        """Clicks refused on the day."""
        return sum(self.refused.values())

    @property
    def peak(self) -> Hour | None:
        """The hour in which the most extensions were in use at once."""
        known = [one for one in self.hours if one.peak_in_use is not None]
        return max(known, key=lambda one: one.peak_in_use or 0, default=None)

    @property
    def busiest(self) -> Sequence[Hour]:
        """The three hours with the most calls, the busiest first."""
        used = [one for one in self.hours if one.calls]
        return sorted(used, key=lambda one: (-one.calls, one.hour))[:3]
