"""What the judgements of the history need, read by the stores."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.daily_counts import store as daily_counts
from calling_pipeline.call_stats.history.quality import HistoryFacts
from calling_pipeline.call_stats.history.store import read_history
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.timetable import last_sync_due


def history_facts(connection: sa.Connection, day: dt.date) -> HistoryFacts:
    """What is kept of `day`, what the caches hold of it, and which tracks were due by now."""
    now, cached = days.now(), {track: store.read_day(connection, track, day) for track in TRACKS}
    over = day < days.day_of(now) - dt.timedelta(days=1)
    kept = next(iter(read_history(connection, day, day)), None)
    counted = kept is not None and daily_counts.counted_of(connection, day) == kept.grade_fetch_number
    return HistoryFacts(
        date=day,
        kept=kept,
        cached={track: stats for track, stats in cached.items() if stats is not None},
        due=[track for track in TRACKS if over or last_sync_due(track, day, now) is not None],
        counted=daily_counts.sums_of_day(connection, day) if counted else None,
    )
