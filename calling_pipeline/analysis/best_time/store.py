"""SQL of learning and judging the best time to call. It never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline.analysis.best_time.judging import Look, Stratum
from calling_pipeline.call_batches.calling_tasks.best_time.records import BestTime
from calling_pipeline.call_batches.calling_tasks.best_time.tables import (
    best_time_batches,
    best_time_looks,
    best_time_rates,
    best_time_states,
)
from calling_pipeline.call_batches.calling_tasks.tables import calling_tasks
from calling_pipeline.database.sql import load

CELLS = load("analysis/best_time/cells")
CENTRE = load("analysis/best_time/centre")
KEEP_BATCHES = load("analysis/best_time/keep_batches")
KEEP_SEGMENTS = load("analysis/best_time/keep_segments")

Cell = tuple[int, int, str, int, int]
"""Weekday (1 … 7), hour, province, calls, successes."""


@dataclass(frozen=True)
class State:
    """How the best time of a calling task stands; `off_at`: when it switched itself off."""

    since: dt.date
    looked_on: dt.date | None
    proven_until: dt.date | None
    off_at: dt.datetime | None
    off_reason: str
    learned_at: dt.datetime | None


def cells(connection: sa.Connection, calling_task_id: int, wanted: BestTime, first: dt.date) -> list[Cell]:
    """What the results of the task's calls say of hours."""
    values = {"calling_task_id": calling_task_id, "ordered": wanted.goal == "ordered", "first": first}
    return [_cell(row) for row in connection.execute(CELLS, values)]


def centre(connection: sa.Connection, wanted: BestTime, first: dt.date) -> list[Cell]:
    """What all calls of the centre say of hours."""
    return [_cell(row) for row in connection.execute(CENTRE, {"ordered": wanted.goal == "ordered", "first": first})]


def keep_rates(connection: sa.Connection, calling_task_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Replace what is known of the hours of a calling task."""
    connection.execute(sa.delete(best_time_rates).where(best_time_rates.c.calling_task_id == calling_task_id))
    if rows:
        connection.execute(sa.insert(best_time_rates), rows)


def keep_batches(connection: sa.Connection, calling_task_id: int, wanted: BestTime, first: dt.date, last: dt.date) -> None:
    """Count both arms of the batches from `first` to `last` anew."""
    values = {"calling_task_id": calling_task_id, "ordered": wanted.goal == "ordered", "first": first, "last": last}
    connection.execute(KEEP_BATCHES, values)


def keep_segments(connection: sa.Connection, first: dt.date) -> int:
    """Learn in which province numbers are; returns how many segments are new or changed."""
    return connection.execute(KEEP_SEGMENTS, {"first": first}).rowcount


def strata(connection: sa.Connection, calling_task_id: int, first: dt.date, last: dt.date) -> list[Stratum]:
    """Both arms of each batch of the task from `first` to `last`."""
    b = best_time_batches.c
    query = sa.select(b.day, b.ordered, b.ordered_successes, b.exploring, b.exploring_successes).where(
        b.calling_task_id == calling_task_id, b.day.between(first, last)
    )
    return [Stratum(*row) for row in connection.execute(query.order_by(b.day, b.batch_id))]


def state(connection: sa.Connection, calling_task_id: int) -> State | None:
    """How it stands; None where it was never switched on."""
    s = best_time_states.c
    query = sa.select(s.since, s.looked_on, s.proven_until, s.off_at, s.off_reason, s.learned_at)
    row = connection.execute(query.where(s.calling_task_id == calling_task_id)).one_or_none()
    return State(*row) if row is not None else None


def note_learned(connection: sa.Connection, calling_task_id: int, now: dt.datetime) -> None:
    """It was learned at `now`."""
    _set(connection, calling_task_id, learned_at=now)


def keep_look(connection: sa.Connection, calling_task_id: int, seen: Look) -> None:
    """Keep a look, and what it says of the last proof."""
    found = seen.measured
    values = {
        "calling_task_id": calling_task_id,
        "day": seen.day,
        "ordered": found.ordered,
        "exploring": found.exploring,
        "uplift": found.uplift,
        "low": found.low,
        "high": found.high,
        "z": found.z,
        "verdict": seen.verdict,
    }
    connection.execute(sa.insert(best_time_looks).values(values))
    _set(connection, calling_task_id, looked_on=seen.day, proven_until=seen.proven_until)


def switch_off(connection: sa.Connection, calling_task_id: int, reason: str, now: dt.datetime) -> None:
    """The task's batches are ordered by hour no more, and why."""
    off = sa.update(calling_tasks).where(calling_tasks.c.id == calling_task_id)
    connection.execute(off.values(best_time=sa.null(), updated_at=now))
    _set(connection, calling_task_id, off_at=now, off_reason=reason)


def looks(connection: sa.Connection, calling_task_id: int, first: dt.date, last: dt.date) -> list[Any]:
    """The looks from `first` to `last`, newest first."""
    k = best_time_looks.c
    query = sa.select(k.day, k.ordered, k.exploring, k.uplift, k.low, k.high, k.verdict)
    return list(connection.execute(query.where(k.calling_task_id == calling_task_id, k.day.between(first, last))
                                   .order_by(k.day.desc())))  # fmt: skip


def hours(connection: sa.Connection, calling_task_id: int) -> list[Any]:
    """What is known of each weekday and hour, whatever the province: calls, successes, alpha, beta."""
    r = best_time_rates.c
    query = sa.select(r.weekday, r.hour, r.calls, r.successes, r.alpha, r.beta)
    return list(connection.execute(query.where(r.calling_task_id == calling_task_id, r.province == "")
                                   .order_by(r.weekday, r.hour)))  # fmt: skip


def tasks(connection: sa.Connection) -> list[tuple[int, str, bool]]:
    """(id, name, whether it orders by hour) of the calling tasks that do or did."""
    t, s = calling_tasks.c, best_time_states.c
    query = sa.select(t.id, t.name, t.best_time.is_not(None)).join(best_time_states, s.calling_task_id == t.id)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(t.name))]


def _set(connection: sa.Connection, calling_task_id: int, **values: Any) -> None:
    s = best_time_states
    connection.execute(sa.update(s).where(s.c.calling_task_id == calling_task_id).values(**values))


def _cell(row: Any) -> Cell:
    return row.weekday, row.hour, row.province, int(row.calls), int(row.successes)
