"""Refreshing one day on request. Requests for a day that is being refreshed join it, across processes too."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import GradeDay, TaskDay, Track
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.refreshes.records import RefreshOutcome
from calling_pipeline.call_stats.sync import judging
from calling_pipeline.call_stats.sync.job import SyncRules
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.database import locks
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.vendors.guanke.client import GuankeClient

_log = logging.getLogger(__name__)
_NOTED_EVERY_S = 1.0


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
        if not locks.try_hold(connection, refreshes.LOCK, track, day):
            locks.hold(connection, refreshes.LOCK, track, day)
            theirs = store.read_day(connection, track, day)
            if theirs is not None and theirs.calculated_at >= asked_at:
                return Refreshed(theirs, joined=True)
        kept = _Kept.begun(engine, track, day, by=by)
        try:
            [result] = sync_days(
                engine,
                make_client(),
                track,
                [day],
                sync_type="manual",
                phone_key=phone_key,
                progress=kept.progress,
                rules=rules,
                by=by,
            )
        except Exception as error:
            kept.finish("failed", error=str(error)[:2000])
            raise
        kept.finish(result.outcome)
    return Refreshed(result.stats, joined=False, held=result.outcome == "held")


class _Kept:
    """The row of a refresh under way, written in transactions of its own: others see how far it is."""

    def __init__(self, engine: sa.Engine, track: Track, day: dt.date, refresh_id: int) -> None:
        self._engine, self._track, self._day, self._id = engine, track, day, refresh_id
        self._noted_at = 0.0

    @classmethod
    def begun(cls, engine: sa.Engine, track: Track, day: dt.date, *, by: str) -> _Kept:
        """Keep who asked for it, and the numbers before it."""
        with reachable(engine) as connection, connection.begin():
            before = judging.published_numbers(store.read_day(connection, track, day))
            if by:
                note_act(connection, "day.refresh", f"day:{day}", by=by, before=before, after={"track": track})
            refresh_id = refreshes.begin(connection, track, day, by=by, before=before, now=days.now())
        return cls(engine, track, day, refresh_id)

    def progress(self, day: dt.date, pages: int, expected: int) -> None:
        """Called after every page; kept once per second, and at the last page."""
        now = time.monotonic()
        if now - self._noted_at < _NOTED_EVERY_S and pages < expected:
            return
        self._noted_at = now
        with self._engine.begin() as connection:
            refreshes.note_pages(connection, self._id, pages, expected)

    def finish(self, outcome: RefreshOutcome, *, error: str | None = None) -> None:
        """Keep how it ended. A database that is gone leaves it without an outcome, which readers see as interrupted."""
        try:
            with reachable(self._engine) as connection, connection.begin():
                after = judging.published_numbers(store.read_day(connection, self._track, self._day))
                refreshes.finish(connection, self._id, outcome, after=after, error=error, now=days.now())
        except (CallingError, SQLAlchemyError):
            _log.exception("how the refresh of the %s track of %s ended is not kept", self._track, self._day)
