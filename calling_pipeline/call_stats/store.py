"""SQL of the caches: reading a day's numbers and publishing new ones. Call records are `store_records.py`. Never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_stats.records import AgentRank, GradeDay, HourlyOrders, TaskDay
from calling_pipeline.call_stats.sync.store import proof_from
from calling_pipeline.call_stats.tables import (
    agent_ranking,
    fetch_proofs,
    grade_stats_cache,
    hourly_orders,
    task_stats_cache,
)

_GRADE_COLUMNS = tuple(column.name for column in grade_stats_cache.columns if column.name != "fetch_number")
_TASK_COLUMNS = tuple(column.name for column in task_stats_cache.columns if column.name != "fetch_number")
_PROOF = [column.label(f"proof_{column.name}") for column in fetch_proofs.columns]
READ_GRADE_DAY = (
    sa.select(grade_stats_cache, *_PROOF)
    .outerjoin(fetch_proofs, fetch_proofs.c.fetch_number == grade_stats_cache.c.fetch_number)
    .where(grade_stats_cache.c.date == sa.bindparam("day"))
)
READ_TASK_DAY = (
    sa.select(task_stats_cache, *_PROOF)
    .outerjoin(fetch_proofs, fetch_proofs.c.fetch_number == task_stats_cache.c.fetch_number)
    .where(task_stats_cache.c.date == sa.bindparam("day"))
)

_PUBLISH_GRADE = sa.text("""
    INSERT INTO grade_stats_cache AS cached
        (date, grade_9, grade_1, total_success, total_records, calculated_at, elapsed_time, sync_type, fetch_number)
    SELECT :day, count(*) FILTER (WHERE order_yuan = 9), count(*) FILTER (WHERE order_yuan = 1),
        count(*) FILTER (WHERE order_yuan <> 0), count(*), :now, :elapsed_s, :sync_type, :fetch_number
    FROM call_records WHERE date = :day
    ON CONFLICT (date) DO UPDATE SET
        grade_9 = excluded.grade_9, grade_1 = excluded.grade_1, total_success = excluded.total_success,
        total_records = excluded.total_records, calculated_at = excluded.calculated_at,
        elapsed_time = excluded.elapsed_time, sync_type = excluded.sync_type, fetch_number = excluded.fetch_number
    WHERE cached.fetch_number <= excluded.fetch_number
""")
_PUBLISH_TASK = sa.text("""
    INSERT INTO task_stats_cache AS cached
        (date, total_tasks, callout_number, called_number, success_number, connected_rate, calculated_at, sync_type,
        fetch_number)
    VALUES (:day, :tasks, :calls, :connected, :successes,
        CASE WHEN :calls = 0 THEN 0 ELSE round(100.0 * :connected / :calls, 2) END, :now, :sync_type, :fetch_number)
    ON CONFLICT (date) DO UPDATE SET
        total_tasks = excluded.total_tasks, callout_number = excluded.callout_number,
        called_number = excluded.called_number, success_number = excluded.success_number,
        connected_rate = excluded.connected_rate, calculated_at = excluded.calculated_at,
        sync_type = excluded.sync_type, fetch_number = excluded.fetch_number
    WHERE cached.fetch_number <= excluded.fetch_number
""").bindparams(sa.bindparam("calls", type_=sa.BigInteger), sa.bindparam("connected", type_=sa.BigInteger))
_DROP_AGENTS = sa.text("DELETE FROM agent_ranking WHERE date = :day")
_RANK_AGENTS = sa.text("""
    INSERT INTO agent_ranking (date, agent_id, position, calls, connected, talk_s, grade_9, grade_1, orders)
    SELECT :day, agent_id,
        row_number() OVER (ORDER BY (agent_id = ''), count(*) FILTER (WHERE order_yuan <> 0) DESC,
            count(*) FILTER (WHERE order_yuan = 9) DESC, count(*) FILTER (WHERE call_state = 2) DESC, agent_id),
        count(*), count(*) FILTER (WHERE call_state = 2), coalesce(sum(duration_s), 0),
        count(*) FILTER (WHERE order_yuan = 9), count(*) FILTER (WHERE order_yuan = 1),
        count(*) FILTER (WHERE order_yuan <> 0)
    FROM call_records WHERE date = :day
    GROUP BY agent_id
""")
_DROP_HOURS = sa.text("DELETE FROM hourly_orders WHERE date = :day")
_COUNT_HOURS = sa.text("""
    INSERT INTO hourly_orders (date, hour, calls, connected, grade_9, grade_1, orders)
    SELECT :day, extract(hour FROM date_bin('1 hour', called_at, 'epoch') AT TIME ZONE 'Asia/Shanghai'),
        count(*), count(*) FILTER (WHERE call_state = 2),
        count(*) FILTER (WHERE order_yuan = 9), count(*) FILTER (WHERE order_yuan = 1),
        count(*) FILTER (WHERE order_yuan <> 0)
    FROM call_records WHERE date = :day
    GROUP BY date_bin('1 hour', called_at, 'epoch')
""")


def read_grade_day(connection: sa.Connection, day: dt.date) -> GradeDay | None:
    """The cached grade numbers of `day` with their proof, None when there are none."""
    row = connection.execute(READ_GRADE_DAY, {"day": day}).mappings().first()
    return grade_day_from(row) if row else None


def read_task_day(connection: sa.Connection, day: dt.date) -> TaskDay | None:
    """The cached task numbers of `day` with their proof, None when there are none."""
    row = connection.execute(READ_TASK_DAY, {"day": day}).mappings().first()
    return task_day_from(row) if row else None


def grade_day_from(row: Mapping[Any, Any]) -> GradeDay:
    """The record of one row of `READ_GRADE_DAY`."""
    return GradeDay(**{name: row[name] for name in _GRADE_COLUMNS}, proof=_proof(row))


def task_day_from(row: Mapping[Any, Any]) -> TaskDay:
    """The record of one row of `READ_TASK_DAY`."""
    return TaskDay(**{name: row[name] for name in _TASK_COLUMNS}, proof=_proof(row))


def publish_grade_day(
    connection: sa.Connection, day: dt.date, *, now: dt.datetime, elapsed_s: float, sync_type: str, fetch_number: int
) -> None:
    """Count the day's call records into the cache, unless it holds the numbers of a newer read."""
    values = {"day": day, "now": now, "elapsed_s": elapsed_s, "sync_type": sync_type, "fetch_number": fetch_number}
    connection.execute(_PUBLISH_GRADE, values)


def publish_task_day(
    connection: sa.Connection,
    day: dt.date,
    *,
    tasks: int,
    calls: int,
    connected: int,
    successes: int,
    now: dt.datetime,
    sync_type: str,
    fetch_number: int,
) -> None:
    """Put the day's sums into the cache, unless it holds the numbers of a newer read."""
    values = {"day": day, "tasks": tasks, "calls": calls, "connected": connected, "successes": successes}
    connection.execute(_PUBLISH_TASK, {**values, "now": now, "sync_type": sync_type, "fetch_number": fetch_number})


def rank_agents(connection: sa.Connection, day: dt.date) -> int:
    """Rank the day's agents by orders anew; returns how many there are."""
    connection.execute(_DROP_AGENTS, {"day": day})
    return connection.execute(_RANK_AGENTS, {"day": day}).rowcount


def count_hours(connection: sa.Connection, day: dt.date) -> int:
    """Count the day's calls and orders by hour anew; returns how many hours had calls."""
    connection.execute(_DROP_HOURS, {"day": day})
    return connection.execute(_COUNT_HOURS, {"day": day}).rowcount


def read_agents(connection: sa.Connection, day: dt.date, *, limit: int = 1000) -> list[AgentRank]:
    """The day's agents, best first."""
    query = sa.select(agent_ranking).where(agent_ranking.c.date == day).order_by(agent_ranking.c.position).limit(limit)
    return [AgentRank(**row) for row in connection.execute(query).mappings()]


def read_hours(connection: sa.Connection, day: dt.date) -> list[HourlyOrders]:
    """The day's hours that had calls."""
    query = sa.select(hourly_orders).where(hourly_orders.c.date == day).order_by(hourly_orders.c.hour)
    return [HourlyOrders(**row) for row in connection.execute(query).mappings()]


def _proof(row: Mapping[Any, Any]) -> Any:
    if row["proof_fetch_number"] is None:
        return None
    return proof_from({column.name: row[f"proof_{column.name}"] for column in fetch_proofs.columns})
