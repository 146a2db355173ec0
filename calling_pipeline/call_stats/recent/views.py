"""How the timetable's newest syncs went, by what is stored: one answer for the first look, the metrics and the heartbeat."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.call_stats.ranges.store import first_read_at
from calling_pipeline.call_stats.recent import store
from calling_pipeline.call_stats.recent.records import ScheduledSync
from calling_pipeline.call_stats.recent.syncs import newest_syncs

_LOOK_BACK = dt.timedelta(days=2)


def scheduled_syncs(connection: sa.Connection, now: dt.datetime, first_day: dt.date) -> list[ScheduledSync]:
    """Each schedule's newest tick by `now` and what was read since; `first_day` is the first day that is ever read."""
    return newest_syncs(store.reads_since(connection, now - _LOOK_BACK), now, first_day, first_read_at(connection))
