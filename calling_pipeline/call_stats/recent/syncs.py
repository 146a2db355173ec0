"""How the timetable's newest syncs went, judged by what was read since they were due. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from calling_pipeline import days
from calling_pipeline.call_stats.recent.records import Read, ScheduledSync, SyncState
from calling_pipeline.call_stats.timetable import ACCEPTED_DELAY, TIMETABLE, Entry, sync_window


def newest_syncs(
    reads: Sequence[Read], now: dt.datetime, first_day: dt.date, first_read_at: dt.datetime | None
) -> list[ScheduledSync]:
    """Each schedule's newest tick by `now`, in the timetable's order; `first_day` is the first day there is.

    `reads` are those of the last two days. A tick before `first_read_at`, the first read of this installation, found nobody
    who could read: of its days only those that were read since are due. Until the first read all are, so that an
    installation that never reads does not pass for one that is in time.
    """
    return [_sync(entry, reads, now, first_day, first_read_at) for entry in TIMETABLE]


def _sync(
    entry: Entry, reads: Iterable[Read], now: dt.datetime, first_day: dt.date, first_read_at: dt.datetime | None
) -> ScheduledSync:
    due_at = entry.newest_tick(now)
    first, last = sync_window(entry.sync_type, days.day_of(due_at))
    due = [day for day in days.day_range(first, last) if day >= first_day]
    done = [read for read in reads if read.track == entry.track and read.date in due and read.started_at >= due_at]
    read_days = {read.date for read in done}
    if first_read_at is not None and due_at < first_read_at:
        due = [day for day in due if day in read_days]
    missing = tuple(day for day in due if day not in read_days)
    started = min((read.started_at for read in done), default=None)
    finished = max((_first_end(done, day) for day in read_days), default=None)
    state: SyncState = "done"
    if missing:
        state = "under way" if now < due_at + ACCEPTED_DELAY else "late"
    return ScheduledSync(
        schedule=entry.name,
        track=entry.track,
        sync_type=entry.sync_type,
        due_at=due_at,
        state=state,
        days_due=len(due),
        days_read=len(due) - len(missing),
        days_not_read=missing,
        started_at=started,
        finished_at=finished,
        duration_s=round((finished - started).total_seconds(), 1) if started and finished else None,
        next_at=entry.next_tick(now),
    )


def _first_end(done: Iterable[Read], day: dt.date) -> dt.datetime:
    """When the first of the reads of `day` ended: later ones belong to later syncs."""
    return min(read.finished_at for read in done if read.date == day)
