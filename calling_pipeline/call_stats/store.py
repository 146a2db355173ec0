"""SQL that reads what the room holds, and deletes what has been kept long enough. It never commits.

What a sync writes is `sync/store.py`; what the checks judge is gathered in `facts/store.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.records import (
    AgentRank,
    FailedRead,
    FetchProof,
    GradeDay,
    HeldNotice,
    HourlyOrders,
    Mode,
    TaskDay,
    Track,
)
from calling_pipeline.call_stats.tables import (
    agent_ranking,
    call_records,
    daily_history,
    failed_reads,
    fetch_proofs,
    grade_stats_cache,
    held_days,
    hourly_orders,
    task_stats_cache,
)
from calling_pipeline.database import partitions
from calling_pipeline.database.engine import driver_sql
from calling_pipeline.database.sql import load

_CACHES = (grade_stats_cache, task_stats_cache, agent_ranking, hourly_orders)
_PROOF_COLUMNS = tuple(column.name for column in fetch_proofs.columns)
_GRADE_COLUMNS = tuple(column.name for column in grade_stats_cache.columns if column.name != "fetch_number")
_TASK_COLUMNS = tuple(column.name for column in task_stats_cache.columns if column.name != "fetch_number")
_PROOF = [column.label(f"proof_{column.name}") for column in fetch_proofs.columns]
_HELD = [held_days.c[name].label(f"held_{name}") for name in ("id", "held_at", "reasons", "numbers")]
_FAILED = [failed_reads.c[name].label(f"failed_{name}") for name in ("failed_at", "failures", "error")]


def _notices(track: Track, day: sa.ColumnElement[dt.date]) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Which held read and which failed one are shown for `day`."""
    held, failed = held_days.c, failed_reads.c
    return (
        sa.and_(held.track == sa.literal_column(f"'{track}'"), held.date == day, held.state == sa.literal_column("'open'")),
        sa.and_(failed.track == sa.literal_column(f"'{track}'"), failed.date == day, failed.read_again_at.is_(None)),
    )


def _read_day(track: Track) -> sa.Select[Any]:
    """One statement, because everybody polls it: the cached row, its proof, and what came after it."""
    cache = _TRACK_CACHES[track]
    held, failed = _notices(track, cache.c.date)
    return (
        sa.select(cache, *_PROOF, *_HELD, *_FAILED)
        .outerjoin(fetch_proofs, fetch_proofs.c.fetch_number == cache.c.fetch_number)
        .outerjoin(held_days, held)
        .outerjoin(failed_reads, failed)
        .where(cache.c.date == sa.bindparam("day"))
    )


_TRACK_CACHES: Mapping[Track, Any] = {"grade": grade_stats_cache, "task": task_stats_cache}
_READ_DAY: Mapping[Track, sa.Select[Any]] = {track: _read_day(track) for track in _TRACK_CACHES}
READ_DAY_BY_DRIVER: Mapping[Track, str] = {track: driver_sql(query) for track, query in _READ_DAY.items()}
"""The statement of `read_day` for psycopg, for the one reader that goes past SQLAlchemy; `day_from` reads its rows."""
_DELETE_PROOFS = load("call_stats/delete_proofs")


def read_day(connection: sa.Connection, track: Track, day: dt.date) -> GradeDay | TaskDay | None:
    """The cached numbers of one day of a track with their proof, None when there are none."""
    row = connection.execute(_READ_DAY[track], {"day": day}).mappings().first()
    return day_from(track, row) if row else None


class StoredDay(NamedTuple):
    """What is stored of one day of a track: its cached row, and the newer attempts that are not published."""

    date: dt.date
    stats: GradeDay | TaskDay | None
    held: HeldNotice | None
    failed: FailedRead | None


def read_days(connection: sa.Connection, track: Track, first: dt.date, last: dt.date) -> list[StoredDay]:
    """Every day from `first` to `last`, both included, oldest first; one statement."""
    every = sa.cast(days.day_range(first, last), sa.ARRAY(sa.Date))
    wanted = sa.select(sa.func.unnest(every).column_valued("wanted_date")).subquery("wanted")
    cache = _TRACK_CACHES[track]
    held, failed = _notices(track, wanted.c.wanted_date)
    query = (
        sa.select(wanted.c.wanted_date, cache, *_PROOF, *_HELD, *_FAILED)
        .select_from(wanted)
        .outerjoin(cache, cache.c.date == wanted.c.wanted_date)
        .outerjoin(fetch_proofs, fetch_proofs.c.fetch_number == cache.c.fetch_number)
        .outerjoin(held_days, held)
        .outerjoin(failed_reads, failed)
        .order_by(wanted.c.wanted_date)
    )
    return [
        StoredDay(row["wanted_date"], day_from(track, row) if row["date"] else None, _held(row), _failed(row))
        for row in connection.execute(query).mappings()
    ]


def read_grade_day(connection: sa.Connection, day: dt.date) -> GradeDay | None:
    """The cached grade numbers of `day` with their proof, None when there are none."""
    row = connection.execute(_READ_DAY["grade"], {"day": day}).mappings().first()
    return _grade_day(row) if row else None


def read_task_day(connection: sa.Connection, day: dt.date) -> TaskDay | None:
    """The cached task numbers of `day` with their proof, None when there are none."""
    row = connection.execute(_READ_DAY["task"], {"day": day}).mappings().first()
    return _task_day(row) if row else None


def day_from(track: Track, row: Mapping[Any, Any]) -> GradeDay | TaskDay:
    """The record of one row of `READ_DAY_BY_DRIVER`."""
    return _grade_day(row) if track == "grade" else _task_day(row)


def read_agents(connection: sa.Connection, day: dt.date, *, limit: int = 1000) -> list[AgentRank]:
    """The day's agents, best first."""
    query = sa.select(agent_ranking).where(agent_ranking.c.date == day).order_by(agent_ranking.c.position).limit(limit)
    return [AgentRank(**row) for row in connection.execute(query).mappings()]


def read_hours(connection: sa.Connection, day: dt.date) -> list[HourlyOrders]:
    """The day's hours that had calls."""
    query = sa.select(hourly_orders).where(hourly_orders.c.date == day).order_by(hourly_orders.c.hour)
    return [HourlyOrders(**row) for row in connection.execute(query).mappings()]


def latest_proof(connection: sa.Connection, track: Track, day: dt.date, *, mode: Mode | None = None) -> FetchProof | None:
    """The newest read stored for the day (of `mode`, if one is named), None when it was never read."""
    query = sa.select(fetch_proofs).where(fetch_proofs.c.track == track, fetch_proofs.c.date == day)
    if mode is not None:
        query = query.where(fetch_proofs.c.mode == mode)
    row = connection.execute(query.order_by(fetch_proofs.c.fetch_number.desc()).limit(1)).mappings().one_or_none()
    return FetchProof(**{**row, "warnings": tuple(row["warnings"])}) if row else None


def proofs_of(connection: sa.Connection, track: Track, day: dt.date, *, limit: int = 200) -> list[FetchProof]:
    """The reads of the day that were stored, newest first, as far as their proofs are kept."""
    query = sa.select(fetch_proofs).where(fetch_proofs.c.track == track, fetch_proofs.c.date == day)
    rows = connection.execute(query.order_by(fetch_proofs.c.fetch_number.desc()).limit(limit)).mappings()
    return [FetchProof(**{**row, "warnings": tuple(row["warnings"])}) for row in rows]


def read_notices(connection: sa.Connection, track: Track, day: dt.date) -> tuple[HeldNotice | None, FailedRead | None]:
    """The day's read that the gate holds, and its newest attempt when that failed: what `read_day` shows of a cached day."""
    held, failed = _notices(track, sa.literal(day))
    kept = connection.execute(sa.select(*_HELD).where(held)).mappings().one_or_none()
    attempt = connection.execute(sa.select(*_FAILED).where(failed)).mappings().one_or_none()
    return _held(kept) if kept else None, _failed(attempt) if attempt else None


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When Guanke last gave a whole, usable answer; None when it never did."""
    return connection.execute(sa.select(sa.func.max(fetch_proofs.c.finished_at))).scalar_one()


def delete_cached_days(connection: sa.Connection, first_kept: dt.date) -> dict[str, int]:
    """Delete the cached days before `first_kept`; rows deleted by table."""
    return {table.name: connection.execute(sa.delete(table).where(table.c.date < first_kept)).rowcount for table in _CACHES}


def oldest_recorded_day(connection: sa.Connection) -> dt.date | None:
    """The first day that call records are stored of, None when there are none."""
    for one in partitions.partitions_of(connection, call_records.name):
        table = sa.table(one.name, sa.column("date"))
        first = sa.select(table.c.date).limit(1)
        if one.first is None or not one.is_of(one.first):  # of one day any row tells, and none is sorted
            first = first.order_by(table.c.date)
        oldest = connection.execute(first).scalar_one_or_none()
        if oldest is not None:
            return cast(dt.date, oldest)
    return None


def delete_records(connection: sa.Connection, first_kept: dt.date) -> int:
    """Delete the call records of days before `first_kept`; returns how many there were, as published.

    Partitions that hold no later day are dropped; rows are deleted one by one only from one that also holds later days.
    Raises `Busy` when the table is in use for longer than a drop waits.
    """
    there = partitions.partitions_of(connection, call_records.name)
    whole = [one for one in there if one.end is not None and one.end <= first_kept]
    deleted = sum(_published_records(connection, one) for one in whole)
    partitions.drop(connection, call_records.name, [one.name for one in whole])
    for one in there:
        if one not in whole and (one.first is None or one.first < first_kept):
            table = sa.table(one.name, sa.column("date"))
            deleted += connection.execute(sa.delete(table).where(table.c.date < first_kept)).rowcount
    return deleted


def _published_records(connection: sa.Connection, partition: partitions.Partition) -> int:
    """How many call records a partition has, as its days were published: counting them takes longer than dropping them."""
    if not connection.execute(sa.select(sa.exists().select_from(sa.table(partition.name)))).scalar_one():
        return 0
    d = daily_history.c
    within = [d.date >= partition.first] if partition.first is not None else []
    total = sa.select(sa.func.coalesce(sa.func.sum(d.total_records), 0)).where(d.date < partition.end, *within)
    return int(connection.execute(total).scalar_one())


def delete_failed_reads(connection: sa.Connection, first_kept: dt.date) -> int:
    """Delete what is kept of failed reads of days before `first_kept`; returns how many rows."""
    return connection.execute(sa.delete(failed_reads).where(failed_reads.c.date < first_kept)).rowcount


def delete_proofs(connection: sa.Connection, first_kept: dt.date, *, superseded_before: dt.datetime) -> int:
    """Delete the proofs of days before `first_kept`, and of superseded reads begun before `superseded_before`."""
    values = {"first_kept": first_kept, "superseded_before": superseded_before}
    return connection.execute(_DELETE_PROOFS, values).rowcount


def _grade_day(row: Mapping[Any, Any]) -> GradeDay:
    return GradeDay(**{name: row[name] for name in _GRADE_COLUMNS}, proof=_proof(row), held=_held(row), failed=_failed(row))


def _task_day(row: Mapping[Any, Any]) -> TaskDay:
    return TaskDay(**{name: row[name] for name in _TASK_COLUMNS}, proof=_proof(row), held=_held(row), failed=_failed(row))


def records_of_phone(connection: sa.Connection, phone_hash: bytes, *, limit: int = 100) -> list[Any]:
    """The call records of one number, newest first; `phone_hash` is its `masking.phone_hash`."""
    r = call_records.c
    columns = (r.id, r.date, r.called_at, r.call_state, r.duration_s, r.grade, r.order_yuan, r.agent_id, r.task_name)
    newest = sa.select(*columns).where(r.phone_hash == phone_hash).order_by(r.called_at.desc()).limit(limit)
    return list(connection.execute(newest))


def _proof(row: Mapping[Any, Any]) -> FetchProof | None:
    if row["proof_fetch_number"] is None:
        return None
    values = {name: row[f"proof_{name}"] for name in _PROOF_COLUMNS}
    return FetchProof(**{**values, "warnings": tuple(values["warnings"])})


def _held(row: Mapping[Any, Any]) -> HeldNotice | None:
    if row["held_id"] is None:
        return None
    return HeldNotice(row["held_id"], row["held_held_at"], row["held_reasons"], row["held_numbers"])


def _failed(row: Mapping[Any, Any]) -> FailedRead | None:
    if row["failed_failed_at"] is None:
        return None
    return FailedRead(row["failed_failed_at"], row["failed_failures"], row["failed_error"])
