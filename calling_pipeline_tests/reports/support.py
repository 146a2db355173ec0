"""Days of call statistics as a sync leaves them, put into the tables directly: a report is made of what is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline import days
from calling_pipeline.call_stats.daily_counts.tables import PARTS, counted_days
from calling_pipeline.call_stats.records import TRACKS, Track
from calling_pipeline.call_stats.tables import (
    agent_ranking,
    call_records,
    daily_history,
    fetch_proofs,
    grade_stats_cache,
    held_days,
    hourly_orders,
    task_stats_cache,
)
from calling_pipeline.reports import making, periods
from calling_pipeline.reports.making import Made
from calling_pipeline.reports.records import Period

SUNDAY = dt.date(2026, 11, 29)
DEADLINE_H = 10.0
AGENTS = ("a1", "a2")


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    """A moment of Shanghai."""
    return dt.datetime.combine(day, dt.time(hour, minute), days.SHANGHAI)


def morning_after(day: dt.date, hour: int = 2) -> dt.datetime:
    """The night after `day`, when its first corrections are read."""
    return at(day + dt.timedelta(days=1), hour)


def put_day(
    connection: sa.Connection,
    day: dt.date,
    *,
    calls: int = 100,
    connected: int = 40,
    grade_9: int = 5,
    grade_1: int = 3,
    read_at: dt.datetime | None = None,
    tracks: Sequence[Track] = TRACKS,
    lacking: int = 0,
    agents: Sequence[str] = AGENTS,
) -> None:
    """Store a read of the day by `tracks`, over one before; so many records are `lacking` from it.

    All calls are of the first of `agents` but one of each other, and all in the hour from 10:00.
    """
    read = read_at or morning_after(day)
    for track in tracks:
        number = (
            connection.execute(sa.select(sa.func.coalesce(sa.func.max(fetch_proofs.c.fetch_number), 0))).scalar_one() + 1
        )
        connection.execute(insert(fetch_proofs).values(_proof(day, track, number, read, calls, calls - lacking)))
        table = task_stats_cache if track == "task" else grade_stats_cache
        numbers: dict[str, Any] = (
            {
                "total_tasks": 2,
                "callout_number": calls,
                "called_number": connected,
                "success_number": grade_9 + grade_1,
                "connected_rate": Decimal(100 * connected) / calls if calls else Decimal(0),
            }
            if track == "task"
            else {
                "grade_9": grade_9,
                "grade_1": grade_1,
                "total_success": grade_9 + grade_1,
                "total_records": calls,
            }
        )
        when = {"calculated_at": read, "sync_type": "historical", "fetch_number": number}
        timed = {"elapsed_time": 1.0} if track == "grade" else {}
        _upsert(connection, table, {"date": day, **numbers, **when, **timed})
        kept = {f"{track}_{name}": value for name, value in when.items()}
        _upsert(connection, daily_history, {"date": day, **numbers, **kept, "updated_at": read})
    if "grade" in tracks:
        _put_parts(connection, day, calls, connected, grade_9, grade_1, agents, read)


def hold_day(connection: sa.Connection, day: dt.date, track: Track = "grade") -> None:
    """A newer read of the day that the gate holds."""
    values = {
        "track": track,
        "date": day,
        "state": "open",
        "fetch_number": 10_000,
        "held_at": morning_after(day),
        "reasons": [{"rule": "calls_dropped", "severity": "hold", "sentence": "too few"}],
        "numbers": {},
        "proof": {},
    }
    connection.execute(sa.insert(held_days).values(values))


def release_day(connection: sa.Connection, day: dt.date) -> None:
    """The held read of the day is decided."""
    closed = {"state": "discarded", "closed_at": morning_after(day), "closed_by": "test", "closing_reason": "test"}
    connection.execute(sa.update(held_days).where(held_days.c.date == day).values(closed))


def prune_caches(connection: sa.Connection) -> None:
    """All days leave the caches, as retention lets them go after weeks."""
    for table in (task_stats_cache, grade_stats_cache, agent_ranking, hourly_orders, call_records, fetch_proofs):
        connection.execute(sa.delete(table))


def make(
    engine: sa.Engine, period: Period | dt.date, *, now: dt.datetime | None = None, reason: str | None = None, **options: Any
) -> Made:
    """Make a report at `now`, without it at 02:00 after the period; a day is its daily report."""
    wanted = period if isinstance(period, Period) else periods.containing("daily", period)
    with days.frozen(now or morning_after(wanted.last)), engine.begin() as connection:
        given = {"by": "test", "deadline_h": DEADLINE_H, "agent_names": {}, **options}
        return making.make(connection, wanted, reason=reason, **given)


def _upsert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> None:
    connection.execute(insert(table).values(values).on_conflict_do_update(index_elements=["date"], set_=values))


def _put_parts(
    connection: sa.Connection,
    day: dt.date,
    calls: int,
    connected: int,
    grade_9: int,
    grade_1: int,
    agents: Sequence[str],
    read: dt.datetime,
) -> None:
    for table in (agent_ranking, hourly_orders, counted_days, *PARTS):
        connection.execute(sa.delete(table).where(table.c.date == day))
    if not calls:
        return
    rest = len(agents) - 1
    whole = {
        "calls": calls - rest,
        "connected": connected,
        "grade_9": grade_9,
        "grade_1": grade_1,
        "orders": grade_9 + grade_1,
    }
    one = {**dict.fromkeys(whole, 0), "calls": 1}
    rows = [
        {"date": day, "agent_id": agent, "talk_s": 60, **(whole if place == 0 else one)}
        for place, agent in enumerate(agents)
    ]
    connection.execute(sa.insert(agent_ranking), [{**row, "position": place + 1} for place, row in enumerate(rows)])
    connection.execute(sa.insert(hourly_orders).values({"date": day, "hour": 10, **whole, "calls": calls}))
    names = {"agent_id": agents[0], "hour": 10, "province": "", "task_id": "", "task_name": ""}
    for table in PARTS:
        if table.name == "daily_agents":
            connection.execute(sa.insert(table), rows)
            continue
        keys = {name: value for name, value in names.items() if name in table.c}
        connection.execute(sa.insert(table).values({"date": day, **keys, **whole, "calls": calls, "talk_s": 60}))
    connection.execute(sa.insert(counted_days).values(date=day, fetch_number=1, counted_at=read))


def _proof(day: dt.date, track: Track, number: int, read: dt.datetime, reported: int, distinct: int) -> dict[str, Any]:
    start, end = days.day_bounds(day)
    counted = {"reported_total": reported, "rows_fetched": distinct, "distinct_ids": distinct}
    zeros = ("pages_read_again", "retries", "rows_added", "rows_changed", "rows_removed", "late_rows", "outside_day")
    return {
        "fetch_number": number,
        "track": track,
        "date": day,
        "mode": "full",
        "sync_type": "historical",
        "window_start": start,
        "window_end": end,
        "started_at": read,
        "finished_at": read,
        "pages": 1,
        "elapsed_s": 1.0,
        "unknown_grades": {},
        "new_fields": {},
        "missing_fields": {},
        "run_id": "",
        "full_read_at": read,
        "warnings": [],
        **counted,
        **dict.fromkeys(zeros, 0),
    }
