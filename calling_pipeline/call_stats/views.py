"""What the doors show of a cached day: the row's columns, its age, its completeness and its next refresh."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import Any

from calling_pipeline import days
from calling_pipeline.call_stats.records import FetchProof, GradeDay, TaskDay, Track
from calling_pipeline.call_stats.timetable import next_sync_at
from calling_pipeline.errors import InvalidInput, NotFound


def day_view(stats: GradeDay | TaskDay, *, from_cache: bool) -> dict[str, Any]:
    """The day's columns plus `from_cache`, `elapsed_time` (s), `complete`, `age_s` (s) and `next_sync_at`."""
    track: Track = "grade" if isinstance(stats, GradeDay) else "task"
    columns = {field.name: _plain(getattr(stats, field.name)) for field in fields(stats) if field.name != "proof"}
    now = days.now()
    return {
        "elapsed_time": stats.proof.elapsed_s if stats.proof else None,
        **columns,
        "from_cache": from_cache,
        "complete": stats.complete,
        "age_s": round((now - stats.calculated_at).total_seconds(), 1),
        "next_sync_at": _next_sync_at(track, stats.date, now.replace(second=0, microsecond=0)),
    }


def proof_view(proof: FetchProof | None) -> dict[str, Any] | None:
    """The fetch proof: what the vendor reported, what was read, and how many pages were read again; None without one."""
    if proof is None:
        return None
    shown = ("mode", "reported_total", "rows_fetched", "distinct_ids", "pages", "pages_read_again", "retries", "window_end")
    return {**{name: getattr(proof, name) for name in shown}, "complete": proof.complete}


def not_cached(track: Track, day: dt.date) -> NotFound:
    """The error for a day without numbers: when the next sync is due, or that none is."""
    due = next_sync_at(track, day, days.now())
    if due is None:
        return NotFound(f"{day} is not in the {track} cache and no sync is due; run `calling-pipeline stats sync` for it")
    return NotFound(f"{day} is not in the {track} cache; the next sync is due at {due:%Y-%m-%d %H:%M} (Asia/Shanghai)")


def require_partition(day: dt.date, first: dt.date, *, field: str = "date") -> dt.date:
    """`day` itself. Raises `InvalidInput`, which names the days there are, for a day before `first` or after today."""
    today = days.today()
    if not first <= day <= today:
        raise InvalidInput(f"{field} {day} is outside the days there are: {first} to {today} (today)", field=field)
    return day


@lru_cache(maxsize=512)
def _next_sync_at(track: Track, day: dt.date, minute: dt.datetime) -> dt.datetime | None:
    """Ticks fall on whole minutes, so one look at the timetable serves all readers within a minute."""
    return next_sync_at(track, day, minute)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
