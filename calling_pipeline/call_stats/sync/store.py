"""SQL that a sync writes with: a day's call records, the proof of the read, and the published numbers. It never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from calling_pipeline.call_stats.gate import Numbers
from calling_pipeline.call_stats.history import store as history
from calling_pipeline.call_stats.other_days import store as other_days
from calling_pipeline.call_stats.records import FetchProof, TaskSums, Track
from calling_pipeline.call_stats.tables import (
    agent_ranking,
    call_records,
    failed_reads,
    fetch_numbers,
    fetch_proofs,
    held_days,
    hourly_orders,
    task_stats_cache,
)
from calling_pipeline.database import partitions
from calling_pipeline.database.sql import load

STAGING = "incoming_calls"
_CREATE_STAGING = load("call_stats/sync/create_staging")
_REMOVE_VANISHED = "call_stats/sync/remove_vanished"
_STORE_FIRST = "call_stats/sync/store_first"
_STORE_AGAIN = "call_stats/sync/store_again"
_COUNT_DAY = load("call_stats/sync/count_day")
_WEEKDAYS_BY_HOUR = load("call_stats/sync/weekdays_by_hour")
_NOTE_FAILURE = load("call_stats/sync/note_failure")
_PUBLISH_GRADE_DAY = load("call_stats/sync/publish_grade_day")
_PUBLISH_TASK_DAY = load("call_stats/sync/publish_task_day")
_RANK_AGENTS = load("call_stats/sync/rank_agents")
_COUNT_HOURS = load("call_stats/sync/count_hours")


@dataclass(frozen=True)
class Changes:
    """What replacing a day changed. `late`: changed rows older than the `settled` instant."""

    added: int
    changed: int
    removed: int
    late: int


@dataclass(frozen=True)
class DayCount:
    """What the stored call records of a day add up to."""

    calls: int
    grade_9: int
    grade_1: int
    dialled: int
    connected: int


def draw_fetch_number(connection: sa.Connection) -> int:
    """The number of a read that begins now."""
    return connection.execute(sa.select(fetch_numbers.next_value())).scalar_one()


def newest_fetch_number(connection: sa.Connection, track: Track, day: dt.date) -> int:
    """The number of the newest read that is stored for the day or held, 0 without one."""
    proofs, held = fetch_proofs.c, held_days.c
    stored = sa.select(sa.func.max(proofs.fetch_number)).where(proofs.track == track, proofs.date == day)
    waiting = sa.select(held.fetch_number).where(held.track == track, held.date == day, held.state == "open")
    newest = sa.select(sa.func.greatest(stored.scalar_subquery(), waiting.scalar_subquery()))
    return connection.execute(newest).scalar_one() or 0


def create_staging(connection: sa.Connection) -> None:
    """The empty table that COPY fills; it ends with the transaction."""
    connection.execute(_CREATE_STAGING)


def replace_day(connection: sa.Connection, day: dt.date, *, since: dt.datetime | None, settled: dt.datetime) -> Changes:
    """Make the day's records (from `since` on, if given) equal to the staged ones; unchanged rows are not written.

    Ids that are known from another day move here. Days are stored one after another.
    """
    other_days.hold_ids(connection)
    partition = partitions.holding(connection, call_records.name, day).name
    if not connection.execute(sa.select(sa.exists().where(call_records.c.date == day))).scalar_one():
        added = connection.execute(load(_STORE_FIRST, partition=partition), {"day": day}).rowcount
        moved = other_days.take_from_other_days(connection, day)
        return Changes(added - moved, moved, 0, 0)
    gone = {"day": day, "since": since, "settled": settled}
    removed = connection.execute(load(_REMOVE_VANISHED, partition=partition), gone).one()
    stored = connection.execute(load(_STORE_AGAIN, partition=partition), {"day": day, "settled": settled}).one()
    moved = other_days.take_from_other_days(connection, day) if stored.added else 0
    return Changes(stored.added - moved, stored.changed + moved, removed.rows, removed.late + stored.late)


def add_proof(connection: sa.Connection, proof: FetchProof) -> None:
    """Keep the proof of a read."""
    values = asdict(proof)
    values.update((name, dict(values[name])) for name in ("unknown_grades", "new_fields", "missing_fields"))
    values["warnings"] = list(values["warnings"])
    connection.execute(fetch_proofs.insert(), values)


def count_day(connection: sa.Connection, day: dt.date) -> DayCount:
    """Count the day's stored call records."""
    return DayCount(**connection.execute(_COUNT_DAY, {"day": day}).mappings().one())


def publish_grade_day(
    connection: sa.Connection, proof: FetchProof, count: DayCount, *, now: dt.datetime, elapsed_s: float
) -> None:
    """Put the day's count into the cache and its history, unless they hold the numbers of a newer read."""
    read = {"day": proof.date, "sync_type": proof.sync_type, "fetch_number": proof.fetch_number}
    counted = {"grade_9": count.grade_9, "grade_1": count.grade_1, "calls": count.calls}
    connection.execute(_PUBLISH_GRADE_DAY, {**read, **counted, "now": now, "elapsed_s": elapsed_s})
    history.keep_day(connection, "grade", proof.date)


def publish_task_day(connection: sa.Connection, proof: FetchProof, sums: TaskSums, *, now: dt.datetime) -> None:
    """Put the day's sums into the cache and its history, unless they hold the numbers of a newer read."""
    read = {"day": proof.date, "sync_type": proof.sync_type, "fetch_number": proof.fetch_number}
    connection.execute(_PUBLISH_TASK_DAY, {**read, **vars(sums), "now": now})
    history.keep_day(connection, "task", proof.date)


def rank_agents(connection: sa.Connection, day: dt.date) -> int:
    """Rank the day's agents by orders anew; returns how many there are."""
    connection.execute(sa.delete(agent_ranking).where(agent_ranking.c.date == day))
    return connection.execute(_RANK_AGENTS, {"day": day}).rowcount


def count_hours(connection: sa.Connection, day: dt.date) -> int:
    """Count the day's calls and orders by hour anew; returns how many hours had calls."""
    connection.execute(sa.delete(hourly_orders).where(hourly_orders.c.date == day))
    return connection.execute(_COUNT_HOURS, {"day": day}).rowcount


def weekdays_before(connection: sa.Connection, track: Track, wanted: Sequence[dt.date], *, until: float) -> list[Numbers]:
    """Calls and orders of those of the `wanted` days that are published, up to `until` hours of the day.

    The task track knows whole days only.
    """
    if track == "grade":
        rows = connection.execute(_WEEKDAYS_BY_HOUR, {"days": list(wanted), "until": until})
        return [Numbers(int(row.calls), int(row.orders), None, None) for row in rows]
    if until < 24:
        return []
    t = task_stats_cache.c
    query = sa.select(t.callout_number, t.success_number).where(t.date.in_(wanted))
    return [Numbers(calls, orders, calls, None) for calls, orders in connection.execute(query)]


def note_failure(
    connection: sa.Connection,
    track: Track,
    day: dt.date,
    error: Exception,
    *,
    sync_type: str,
    run_id: str,
    now: dt.datetime,
) -> None:
    """Keep that a read of the day failed, and why."""
    what = {"error_kind": type(error).__name__, "error": str(error)[:2000]}
    values = {"track": track, "day": day, "sync_type": sync_type, "run_id": run_id, "now": now, **what}
    connection.execute(_NOTE_FAILURE, values)


def note_read(connection: sa.Connection, track: Track, day: dt.date, *, now: dt.datetime) -> bool:
    """Keep that the day arrived; whether the attempt before had failed."""
    t = failed_reads.c
    query = failed_reads.update().where(t.track == track, t.date == day, t.read_again_at.is_(None))
    return connection.execute(query.values(read_again_at=now)).rowcount > 0
