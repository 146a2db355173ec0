"""Refreshing one day on request. Requests for a day that is being refreshed join it, across processes too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import GradeDay, TaskDay, Track
from calling_pipeline.call_stats.sync.job import SyncRules
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.database import locks
from calling_pipeline.database.engine import reachable
from calling_pipeline.vendors.guanke.client import GuankeClient


@dataclass(frozen=True)
class Refreshed:
    """The day's numbers after a refresh, None when none are published; `joined`: another request's refresh brought them.

    `held`: the publishing gate holds what was read, and the numbers are those from before.
    """

    stats: GradeDay | TaskDay | None
    joined: bool
    held: bool = False


def refresh_day(
    engine: sa.Engine,
    make_client: Callable[[], GuankeClient],
    track: Track,
    day: dt.date,
    *,
    phone_key: bytes,
    rules: SyncRules | None = None,
    by: str = "",
) -> Refreshed:
    """Sync one day now, or wait for the refresh of it that is under way and take its numbers.

    When that one fails, this one tries itself. Raises what `sync_days` raises; the old numbers stand then.
    """
    asked_at = days.now()
    with reachable(engine) as connection, connection.begin():
        if not locks.try_hold(connection, "refresh", track, day):
            locks.hold(connection, "refresh", track, day)
            theirs = store.read_day(connection, track, day)
            if theirs is not None and theirs.calculated_at >= asked_at:
                return Refreshed(theirs, joined=True)
        [result] = sync_days(
            engine, make_client(), track, [day], sync_type="manual", phone_key=phone_key, rules=rules, by=by
        )
    return Refreshed(result.stats, joined=False, held=result.outcome == "held")
