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
    """What is kept of a day, and what the caches hold of it. `due`: the tracks that should have been read by now.

    `counted`: calls and orders that each table of daily counts adds up to, None when the day is not counted of the read
    that is kept.
    """

    date: dt.date
    kept: HistoryDay | None
    cached: Mapping[Track, GradeDay | TaskDay] = field(default_factory=dict)
    due: Sequence[Track] = ()
    counted: Mapping[str, tuple[int, int]] | None = None


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


def counts_add_up(facts: HistoryFacts) -> Finding:
    """The calls and orders by agent, hour, province and dialling task are each the day's."""
    kept = facts.kept
    if kept is None or kept.grade_fetch_number is None:
        return Finding(True, "the grade track never read the day, so there is nothing to count")
    if kept.grade_fetch_number == 0:
        return Finding(True, "the day was taken over from another system, whose call records are not kept here")
    if facts.counted is None:
        return Finding(False, "the day is published and not counted; housekeeping counts it while its records are kept")
    day = (kept.total_records, kept.total_success)
    wrong = [
        f"{part}: {calls} calls and {orders} orders, the day has {day[0]} and {day[1]}"
        for part, (calls, orders) in facts.counted.items()
        if (calls, orders) != day
    ]
    sentence = f"{len(wrong)} of {len(facts.counted)} tables of daily counts add up to something else than the day"
    return Finding(not wrong, sentence, tuple(wrong), {"compared": len(facts.counted), "different": len(wrong)})
