"""What a page shows of one day: each track with source, age, proof and newest refresh, and why the two differ."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.gate import READ_TOGETHER
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.ranges.views import FIGURES, range_view
from calling_pipeline.call_stats.records import ASSETS, TRACKS, HeldDay, Track
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.refreshes.records import NewestRefresh, changed
from calling_pipeline.call_stats.views import proof_view
from calling_pipeline.console.shown import number

TONES: Mapping[str, str] = {
    "complete": "good",
    "incomplete": "warn",
    "kept": "quiet",
    "held": "bad",
    "missing": "bad",
    "not due": "quiet",
}
_LIVE_S = 120
"""Numbers that a person's refresh brought so few seconds ago are shown as just read."""
_CHECKS: Mapping[Track, str] = {"grade": "newest_grade_read_is_published", "task": "newest_task_read_is_published"}


@dataclass(frozen=True)
class Change:
    """A number that a refresh changed; `key` names it in the catalogue."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class TrackDay:
    """One track of one day. `shown` has the keys of `ranges.views.range_view`."""

    track: Track
    shown: Mapping[str, Any]
    proof: Mapping[str, Any] | None
    newest: NewestRefresh

    @property
    def figures(self) -> Sequence[str]:
        """The names of its numbers."""
        return FIGURES[self.track]

    @property
    def tone(self) -> str:
        """The colour of how it stands."""
        return TONES[self.shown["standing"]]

    @property
    def source(self) -> str:
        """`live`, `cache`, `history` or `nothing`."""
        if self.shown["sync_type"] == "manual" and (self.shown["age_s"] or _LIVE_S) < _LIVE_S:
            return "live"
        return self.shown["source"] or "nothing"

    @property
    def asset(self) -> str:
        """The asset behind its numbers."""
        return ASSETS[self.track][0] if self.track == "task" else "grade_stats_cache"

    @property
    def checked(self) -> tuple[str, str]:
        """Asset and name of the check that says whether the newest read is published."""
        return ASSETS[self.track][0], _CHECKS[self.track]

    @property
    def changes(self) -> Sequence[Change]:
        """What its newest refresh changed."""
        refresh = self.newest.refresh
        found = changed(refresh.numbers_before, refresh.numbers_after) if refresh else {}
        return [Change(name, before, after) for name, (before, after) in found.items()]


@dataclass(frozen=True)
class Difference:
    """A sentence on what differs between the tracks: a key of the catalogue and what is put into it."""

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class DayFacts:
    """One day of both tracks."""

    day: dt.date
    tracks: Sequence[TrackDay]
    differences: Sequence[Difference]
    held: Sequence[HeldDay]

    @property
    def running(self) -> bool:
        """Whether a refresh of one of them is under way."""
        return any(one.newest.under_way for one in self.tracks)


def read_day_facts(connection: sa.Connection, day: dt.date) -> DayFacts:
    """What is stored of the day, in a few short statements."""
    tracks = [_track(connection, track, day) for track in TRACKS]
    held = [one for one in (held_store.open_day(connection, track, day) for track in TRACKS) if one is not None]
    return DayFacts(day, tracks, list(differences(tracks[0].shown, tracks[1].shown)), held)


def _track(connection: sa.Connection, track: Track, day: dt.date) -> TrackDay:
    [shown] = range_view(connection, track, [day])
    cached = store.read_day(connection, track, day) if shown["source"] == "cache" else None
    proof = proof_view(cached.proof) if cached is not None else None
    return TrackDay(track, shown, proof, refreshes.newest(connection, track, day))


def differences(task: Mapping[str, Any], grade: Mapping[str, Any]) -> Iterator[Difference]:
    """Why two tracks of the same calls say different numbers, in sentences. Pure."""
    if task["callout_number"] is None or grade["total_records"] is None:
        yield Difference("stats.differs_one_only", {})
        return
    yield _apart("calls", task["callout_number"], grade["total_records"])
    yield _apart("orders", task["success_number"], grade["total_success"])
    read = {"task": task["calculated_at"], "grade": grade["calculated_at"]}
    apart = abs(read["task"] - read["grade"])
    times = {name: f"{at.astimezone(days.SHANGHAI):%m-%d %H:%M}" for name, at in read.items()}
    if apart <= READ_TOGETHER:
        yield Difference("stats.differs_read_together", times)
    else:
        later = "grade" if read["grade"] > read["task"] else "task"
        yield Difference(f"stats.differs_read_later_{later}", times)


def _apart(what: str, task: int, grade: int) -> Difference:
    values = {"task": number(task), "grade": number(grade), "apart": number(abs(task - grade))}
    if task == grade:
        return Difference(f"stats.differs_same_{what}", values)
    share = f"{100 * abs(task - grade) / max(task, grade):.1f}"
    return Difference(f"stats.differs_{what}", {**values, "share": share})
