"""What a takeover reads and reports: parts, counts that add up, contradictions with a few masked examples."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Part = Literal[
    "configurations",
    "extensions",
    "collectors",
    "do_not_call",
    "history",
    "statistics",
    "tasks",
    "messages",
    "communication",
]
PARTS: tuple[Part, ...] = (
    "configurations",
    "extensions",
    "collectors",
    "do_not_call",
    "history",
    "statistics",
    "tasks",
    "messages",
    "communication",
)
"""In the order in which they are taken: what is named by others comes first."""
PartState = Literal["waiting", "running", "done"]
State = Literal["running", "done", "failed"]
EXAMPLES = 20
"""Examples that are kept of one kind of contradiction."""
LONGEST_EXAMPLE = 200

Row = Mapping[str, Any]
"""One row of a source, by the source's own column names."""
Fields = Mapping[str, Any]
"""One row by the names of the mapping; a field that the source has not is absent."""


@dataclass
class Counts:
    """What became of the rows of one part: read = taken + already there + each reason.

    `found`: contradictions, and notes about rows that were taken all the same, by kind: how many, and a few masked examples.
    """

    rows_read: int = 0
    taken: int = 0
    already_there: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.rows_read == self.taken + self.already_there + sum(self.reasons.values())

    def refuse(self, reason: str, rows: int = 1) -> None:
        """Rows that are not taken, and why."""
        if rows:
            self.reasons[reason] += rows

    def note(self, kind: str, example: str = "", *, times: int = 1) -> None:
        """A contradiction of the old system's data, or something odd about rows; `example` masked."""
        if not times and not example:
            return
        entry = self.found.setdefault(kind, {"count": 0, "examples": []})
        entry["count"] += times
        if example and len(entry["examples"]) < EXAMPLES:
            entry["examples"].append(example[:LONGEST_EXAMPLE])


@dataclass(frozen=True)
class PartReport:
    """One part of a takeover as it is kept."""

    part: Part
    state: PartState
    rows_read: int
    taken: int
    already_there: int
    reasons: Mapping[str, int]
    found: Mapping[str, Mapping[str, Any]]
    begun_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None

    @property
    def difference(self) -> int:
        """Rows that are not accounted for: 0."""
        return self.rows_read - self.taken - self.already_there - sum(self.reasons.values())


@dataclass(frozen=True)
class Takeover:
    """One takeover as it is kept; `source` names the old system without a password."""

    id: int
    source: str
    dry_run: bool
    by: str
    state: State
    begun_at: dt.datetime
    finished_at: dt.datetime | None
    error: str
    parts: tuple[PartReport, ...] = ()

    @property
    def taken(self) -> int:
        """Rows of all parts that were taken."""
        return sum(part.taken for part in self.parts)

    @property
    def contradictions(self) -> int:
        """Contradictions and notes of all parts."""
        return sum(int(found["count"]) for part in self.parts for found in part.found.values())
