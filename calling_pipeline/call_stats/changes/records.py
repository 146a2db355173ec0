"""How the published numbers of a day came to be what they are: every read, decision and failure of it, in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from calling_pipeline.call_stats.records import Mode, Track

ChangeKind = Literal["read", "published", "held", "discarded", "replaced", "failed", "interrupted"]
"""`read`: published by a read that passed. `published`: a person published a held read. `held`: it waits for a decision.
`discarded`, `replaced`: what became of a held read. `failed`, `interrupted`: of a refresh that brought nothing."""


@dataclass(frozen=True)
class Change:
    """One thing that happened to a day of a track.

    `numbers`: what was published of it, or would have been while it is held; None where that is not kept. `differs`: those
    that differ from what was published before, as (before, after). `rows_*`: call records that the read added, changed and
    removed; None for what read none. `by`: who asked or decided, empty for the timetable. `said`: why, or what was wrong.
    """

    at: dt.datetime
    kind: ChangeKind
    track: Track
    sync_type: str | None = None
    mode: Mode | None = None
    rows_added: int | None = None
    rows_changed: int | None = None
    rows_removed: int | None = None
    numbers: Mapping[str, Any] | None = None
    differs: Mapping[str, tuple[Any, Any]] | None = None
    by: str = ""
    said: Sequence[str] = ()
    run_id: str = ""

    @property
    def publishes(self) -> bool:
        """Whether the numbers were those that everybody read afterwards."""
        return self.kind in ("read", "published")
