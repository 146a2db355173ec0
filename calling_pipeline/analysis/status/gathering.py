"""Gathers the first look: each room is asked by its own read functions, and Dagster by its storage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.analysis.dagster_storage.store import dagster_state
from calling_pipeline.analysis.status.judging import DayNotes, day_state, judge
from calling_pipeline.analysis.status.records import DayState, Facts, OpenAlert, PoolUse, Status, Watcher
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_stats.facts.store import cached_days
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.recent import store as recent_store
from calling_pipeline.call_stats.recent.records import Comparison
from calling_pipeline.call_stats.recent.views import scheduled_syncs
from calling_pipeline.call_stats.records import TRACKS, Track
from calling_pipeline.call_stats.timetable import TIMETABLE, last_sync_due
from calling_pipeline.database.kept_measures import last_heartbeat
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import PoolStatistics

LOOK_BACK_DAYS = 10
ASSETS: Mapping[Track, tuple[str, ...]] = {
    "grade": ("call_records", "grade_stats_cache", "agent_ranking", "hourly_orders"),
    "task": ("task_stats_cache",),
}
"""The assets whose checks speak of a track's days."""


def status(runtime: Runtime, *, tenant: int | None = None) -> Status:
    """The state of the whole product now, judged; `tenant` narrows the extensions to those of one.

    Raises `DatabaseUnavailable` when the business database cannot be reached; Dagster's may be away.
    """
    dagster = dagster_state(
        runtime.existing_dagster_url, [entry.name for entry in TIMETABLE], centre=runtime.settings.centre
    )
    now, first = days.now(), runtime.settings.partition_start
    with runtime.transaction() as connection:
        facts = Facts(
            at=now,
            syncs=tuple(scheduled_syncs(connection, now, first)),
            days=tuple(_days(connection, now, first)),
            numbers=tuple(_numbers(connection, now)),
            vendor=tuple(filter(None, (recent_store.speed(connection, track) for track in TRACKS))),
            alerts=tuple(_open_alerts(connection, now)),
            batches=tuple(batch_store.open_batches(connection)),
            messages={name: outbox.open_counts(connection) for name, outbox in OUTBOXES.items()},
            extensions=pool_use(pool_store.statistics(connection, now, tenant_id=tenant)),
            dagster=dagster,
            watcher=Watcher(runtime.settings.heartbeat_url is not None, last_heartbeat(connection)),
        )
    return replace(judge(facts), shadow=runtime.settings.shadow)


def pool_use(pools: Iterable[PoolStatistics]) -> PoolUse:
    """The pools of several configurations added up."""
    rows = list(pools)
    return PoolUse(
        total=sum(row.total for row in rows),
        in_use=sum(row.in_use for row in rows),
        available=sum(row.available for row in rows),
        cooling_down=sum(row.cooling_down for row in rows),
        offline=sum(row.offline for row in rows),
    )


def _days(connection: sa.Connection, now: dt.datetime, first: dt.date) -> list[DayState]:
    """Each track's days from ten days ago to today, newest first."""
    today = days.day_of(now)
    wanted = [day for day in days.day_range(today - dt.timedelta(days=LOOK_BACK_DAYS), today) if day >= first]
    return [state for track in TRACKS for state in _track_days(connection, track, wanted, now)]


def _track_days(connection: sa.Connection, track: Track, wanted: list[dt.date], now: dt.datetime) -> list[DayState]:
    cached = cached_days(connection, track, min(wanted), max(wanted)) if wanted else {}
    held = {one.date: one for one in held_store.held(connection, limit=1000) if one.track == track}
    failed = recent_store.failed_reads(connection, track, wanted) if wanted else {}
    checks = [one for one in alert_store.open_conditions(connection, "check") if one.subject in ASSETS[track]]
    states = []
    for day in reversed(wanted):
        facts = DayNotes(
            cached=day in cached,
            due=last_sync_due(track, day, now) is not None,
            held=tuple(reason["sentence"] for reason in held[day].reasons) if day in held else None,
            failed=failed.get(day),
            failing_checks=tuple(f"failing: {one.title}" for one in checks if one.day == day),
        )
        states.append(day_state(day, track, facts))
    return states


def _open_alerts(connection: sa.Connection, now: dt.datetime) -> list[OpenAlert]:
    """Everything that is wrong now, the newest first; the day stands in the title."""
    return [
        OpenAlert(one.id, one.name, one.severity, one.opened_at.astimezone(days.SHANGHAI), one.title_with_day)
        for one in alert_store.conditions(connection, since=now, only_open=True)
    ]


def _numbers(connection: sa.Connection, now: dt.datetime) -> list[Comparison]:
    """Yesterday as a whole, and today up to the last whole hour, each beside its week before."""
    today = days.day_of(now)
    return [
        recent_store.compare(connection, today - dt.timedelta(days=1)),
        recent_store.compare(connection, today, hours=now.hour),
    ]
