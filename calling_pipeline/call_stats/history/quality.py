"""Judges the kept numbers of a day: they are those of the caches, and no track is missing. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calling_pipeline.call_stats.records import GradeDay, HistoryDay, TaskDay, Track
from calling_pipeline.quality import Finding

_FIGURES: Mapping[Track, tuple[str, ...]] = {
    "task": ("total_tasks", "callout_number", "called_number", "success_number", "connected_rate"),
    "grade": ("grade_9", "grade_1", "total_success", "total_records"),
}


@dataclass(frozen=True)
class HistoryFacts:
    """What is kept of a day, and what the caches hold of it. `due`: the tracks that should have been read by now."""

    date: dt.date
    kept: HistoryDay | None
    cached: Mapping[Track, GradeDay | TaskDay] = field(default_factory=dict)
    due: Sequence[Track] = ()


def agrees_with_the_caches(facts: HistoryFacts) -> Finding:
    """Every number that a cache holds of the day is kept as it is; a day that the caches have let go has none to compare."""
    pairs = [(track, name) for track in facts.cached for name in _FIGURES[track]]
    wrong = [
        f"{track} {name}: {getattr(facts.kept, name, None)} kept, {getattr(facts.cached[track], name)} cached"
        for track, name in pairs
        if getattr(facts.kept, name, None) != getattr(facts.cached[track], name)
    ]
    sentence = f"{len(wrong)} of {len(pairs)} cached numbers are kept otherwise"
    return Finding(not wrong, sentence, tuple(wrong), {"compared": len(pairs), "different": len(wrong)})


def both_tracks_are_kept(facts: HistoryFacts) -> Finding:
    """No track whose sync was due is missing: the history has no hole."""
    kept = facts.kept
    have = {
        "task": kept is not None and kept.task_fetch_number is not None,
        "grade": kept is not None and kept.grade_fetch_number is not None,
    }
    missing = [track for track in facts.due if not have[track]]
    sentence = f"no numbers of {' and '.join(missing)}" if missing else "no track is missing"
    return Finding(not missing, sentence, numbers={"missing_tracks": len(missing)})
