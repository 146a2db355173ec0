"""What the doors show of a cached day: the row's columns, its age and completeness, and what came after it.

`warnings`: what the publishing gate found and let pass, what an incremental read cannot have seen, and that newer attempts
failed or are held. `held`: the newest read that the gate keeps aside. `last_attempt`: the newest attempt to read the day,
None when the numbers come from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import Any

from calling_pipeline import days
from calling_pipeline.call_stats.records import (
    FailedRead,
    FetchProof,
    GradeDay,
    HeldDay,
    HeldNotice,
    Reason,
    TaskDay,
    Track,
)
from calling_pipeline.call_stats.timetable import next_sync_at
from calling_pipeline.errors import InvalidInput, NotFound

_NOT_COLUMNS = {"proof", "held", "failed", "elapsed_time"}
_COLUMNS: Mapping[type[GradeDay | TaskDay], tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind) if field.name not in _NOT_COLUMNS) for kind in (GradeDay, TaskDay)
}


def day_view(stats: GradeDay | TaskDay, *, from_cache: bool, elapsed_s: float) -> dict[str, Any]:
    """The day's columns, with `elapsed_time` the seconds of this answer and `sync_elapsed_s` those of the sync.

    Beside them `from_cache`, `complete`, `age_s` (s), `next_sync_at`, `mode` and `full_read_at` of the read that was
    published, and `warnings`, `held` and `last_attempt` as above.
    """
    track: Track = "grade" if isinstance(stats, GradeDay) else "task"
    now, proof = days.now(), stats.proof
    return {
        **{name: _plain(getattr(stats, name)) for name in _COLUMNS[type(stats)]},
        "elapsed_time": round(elapsed_s, 4),
        "sync_elapsed_s": stats.elapsed_time if isinstance(stats, GradeDay) else proof.elapsed_s if proof else None,
        "from_cache": from_cache,
        "complete": stats.complete,
        "age_s": round((now - stats.calculated_at).total_seconds(), 1),
        "next_sync_at": _next_sync_at(track, stats.date, now.replace(second=0, microsecond=0)),
        "mode": proof.mode if proof else None,
        "full_read_at": proof.full_read_at if proof else None,
        "warnings": _warnings(stats),
        "held": held_notice(stats.held),
        "last_attempt": last_attempt(stats.held, stats.failed),
    }


def proof_view(proof: FetchProof | None) -> dict[str, Any] | None:
    """The fetch proof: what the vendor reported, what was read, and how many pages were read again; None without one."""
    if proof is None:
        return None
    shown = (
        "mode",
        "reported_total",
        "rows_fetched",
        "distinct_ids",
        "outside_day",
        "unknown_grades",
        "pages",
        "pages_read_again",
        "retries",
        "window_end",
    )
    return {**{name: getattr(proof, name) for name in shown}, "complete": proof.complete}


def held_notice(held: HeldNotice | None) -> dict[str, Any] | None:
    """A read that is held: its id, when, why, and the numbers it would have published."""
    if held is None:
        return None
    return {"id": held.id, "held_at": held.held_at, "reasons": held.reasons, "numbers": held.numbers}


def held_view(held: HeldDay) -> dict[str, Any]:
    """A row of the list of held days."""
    shown = ("id", "track", "date", "state", "held_at", "reasons", "numbers", "numbers_before")
    closed = ("closed_at", "closed_by", "closing_reason")
    return {name: getattr(held, name) for name in (*shown, *closed)}


def reason_views(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """What the gate found in a read."""
    return [{"rule": one.rule, "severity": one.severity, "sentence": one.sentence} for one in reasons]


def last_attempt(held: HeldNotice | None, failed: FailedRead | None) -> dict[str, Any] | None:
    """The newest attempt to read a day: failed, held, or None when its numbers are published."""
    if failed is not None:
        return {"outcome": "failed", "at": failed.failed_at, "error": failed.error, "failures": failed.failures}
    if held is not None:
        return {"outcome": "held", "at": held.held_at, "error": _hold_sentences(held)}
    return None


def not_cached(track: Track, day: dt.date, held: HeldNotice | None = None, failed: FailedRead | None = None) -> NotFound:
    """The error for a day without numbers: why there are none, and when the next sync is due, or that none is."""
    due = next_sync_at(track, day, days.now())
    sentence = f"{day} is not in the {track} cache"
    if due is None:
        sentence += " and no sync is due; run `calling-pipeline stats sync` for it"
    else:
        sentence += f"; the next sync is due at {due:%Y-%m-%d %H:%M} (Asia/Shanghai)"
    if held is not None:
        sentence += f". A read of it is held as {held.id} since {held.held_at:%Y-%m-%d %H:%M}: {_hold_sentences(held)}"
    if failed is not None:
        sentence += f". The attempt of {failed.failed_at:%Y-%m-%d %H:%M} failed: {failed.error}"
    return NotFound(sentence)


def require_partition(day: dt.date, first: dt.date, *, field: str = "date") -> dt.date:
    """`day` itself. Raises `InvalidInput`, which names the days there are, for a day before `first` or after today."""
    today = days.today()
    if not first <= day <= today:
        raise InvalidInput(f"{field} {day} is outside the days there are: {first} to {today} (today)", field=field)
    return day


def _warnings(stats: GradeDay | TaskDay) -> list[dict[str, Any]]:
    proof, found = stats.proof, []
    if proof is None:
        found.append({"rule": "no_proof", "sentence": "the proof of this read is not kept any more"})
    else:
        found += [{"rule": warning["rule"], "sentence": warning["sentence"]} for warning in proof.warnings]
    if stats.held is not None:
        sentence = f"a newer read is held since {stats.held.held_at:%Y-%m-%d %H:%M}: {_hold_sentences(stats.held)}"
        found.append({"rule": "held", "sentence": sentence})
    if stats.failed is not None:
        sentence = f"the attempt of {stats.failed.failed_at:%Y-%m-%d %H:%M} failed: {stats.failed.error}"
        found.append({"rule": "read_failed", "sentence": sentence})
    return found


def _hold_sentences(held: HeldNotice) -> str:
    return "; ".join(reason["sentence"] for reason in held.reasons if reason["severity"] == "hold")


@lru_cache(maxsize=512)
def _next_sync_at(track: Track, day: dt.date, minute: dt.datetime) -> dt.datetime | None:
    """Ticks fall on whole minutes, so one look at the timetable serves all readers within a minute."""
    return next_sync_at(track, day, minute)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
