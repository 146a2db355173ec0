"""SQL of the batches: their states, cards and outcomes. The calls in them are in `calls/store.py`."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import SessionLock, is_held
from calling_pipeline.call_batches.batches.records import Batch, Card, CardLine, OpenBatch, Outcome, RedialLine
from calling_pipeline.call_batches.batches.tables import call_batches
from calling_pipeline.call_batches.calling_tasks.best_time.records import BestTime
from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.call_batches.calling_tasks.redials.rules import documents_of, rules_from
from calling_pipeline.call_batches.calls.archives import store as archives
from calling_pipeline.call_batches.calls.tables import call_log, call_tasks
from calling_pipeline.call_batches.records import BatchState, CallState
from calling_pipeline.database.sql import load
from calling_pipeline.errors import NotFound

INSERT = load("call_batches/batches/insert")
START = load("call_batches/batches/start")
MOVE = load("call_batches/batches/move")
OPEN = load("call_batches/batches/open")

_b = call_batches.c
_BATCH = sa.select(
    _b.id, _b.key, _b.calling_task_id, _b.task_name, _b.day, _b.tick_at, _b.state, _b.note, _b.source, _b.recall_days,
    _b.rate_per_s, _b.policy, _b.card, _b.planned_at, _b.started_at, _b.finished_at, _b.resume_at,
    _b.expires_at, _b.redial, _b.shadow,
)  # fmt: skip


def insert_batch(
    connection: sa.Connection,
    task: CallingTask,
    *,
    key: str,
    tick_at: dt.datetime | None,
    now: dt.datetime,
    expires_at: dt.datetime | None,
    shadow: bool = False,
) -> int:
    """Add a planned batch with the rules its task has now; its card comes with `set_card`."""
    values = {
        "key": key,
        "calling_task_id": task.id,
        "task_name": task.name,
        "day": days.day_of(now),
        "tick_at": tick_at,
        "source": f"{task.source.schema}.{task.source.table}",
        "recall_days": task.recall_days,
        "rate_per_s": task.rate_per_s,
        "policy": json.dumps(task.policy),
        "now": now,
        "expires_at": expires_at,
        "redial": json.dumps(documents_of(task.redial)),
        "shadow": shadow,
    }
    return int(connection.execute(INSERT, values).scalar_one())


def set_card(connection: sa.Connection, batch_id: int, card: Card) -> None:
    """Keep the pre-flight card."""
    connection.execute(sa.update(call_batches).where(_b.id == batch_id).values(card=asdict(card)))


def note_order(
    connection: sa.Connection, batch_id: int, wanted: BestTime, *, slots: int, exploring: int, placed: int
) -> None:
    """Keep how a batch was ordered by hour. `chance`: of each call to explore; the draw's seed is the batch's id."""
    how = {**wanted.document, "slots": slots, "placed": placed, "exploring": exploring, "chance": wanted.explore}
    connection.execute(sa.update(call_batches).where(_b.id == batch_id).values(best_time=how))


def batch(connection: sa.Connection, batch_id: int) -> Batch:
    """The batch. Raises `NotFound` when there is none."""
    row = connection.execute(_BATCH.where(_b.id == batch_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no batch {batch_id}; `calling-pipeline calls batches` lists them")
    return _batch(row)


def batch_of_call(connection: sa.Connection, call_id: int) -> Batch:
    """The batch of a call."""
    of_call = sa.select(call_tasks.c.batch_id).where(call_tasks.c.id == call_id).scalar_subquery()
    return _batch(connection.execute(_BATCH.where(_b.id == of_call)).one())


def batch_by_key(connection: sa.Connection, key: str) -> Batch | None:
    """The batch of one tick, when it was planned."""
    row = connection.execute(_BATCH.where(_b.key == key)).one_or_none()
    return None if row is None else _batch(row)


def batches_of(connection: sa.Connection, day: dt.date) -> list[Batch]:
    """The batches of one partition."""
    return [_batch(row) for row in connection.execute(_BATCH.where(_b.day == day).order_by(_b.id))]


def newest_plans(connection: sa.Connection) -> list[sa.Row[tuple[int, str, dt.datetime, int]]]:
    """Of each calling task and source its newest plan: `calling_task_id`, `source`, `planned_at`, `source_rows`."""
    rows = _b.card["source_rows"].as_integer().label("source_rows")
    query = sa.select(_b.calling_task_id, _b.source, _b.planned_at, rows).ext(distinct_on(_b.calling_task_id, _b.source))
    return list(connection.execute(query.order_by(_b.calling_task_id, _b.source, _b.planned_at.desc())))


def latest_batches(
    connection: sa.Connection,
    *,
    task: str | None = None,
    day: dt.date | None = None,
    state: str | None = None,
    without: Sequence[int] = (),
    limit: int = 20,
    offset: int = 0,
) -> list[Batch]:
    """Batches, newest first; those named in `without` are left out."""
    wanted = [column == value for column, value in ((_b.task_name, task), (_b.day, day), (_b.state, state)) if value]
    if without:
        wanted.append(_b.id.not_in(without))
    newest = _BATCH.where(*wanted).order_by(_b.id.desc()).limit(limit).offset(offset)
    return [_batch(row) for row in connection.execute(newest)]


def unfinished_batches(connection: sa.Connection, now: dt.datetime) -> list[Batch]:
    """Batches that should be pushed now, whether or not a process is at it."""
    ready = sa.or_(
        _b.state.in_(("planned", "running")), sa.and_(_b.state == "waiting", sa.func.coalesce(_b.resume_at, now) <= now)
    )
    return [_batch(row) for row in connection.execute(_BATCH.where(ready).order_by(_b.id))]


def expired_batches(connection: sa.Connection, now: dt.datetime) -> list[int]:
    """Batches that are not over although they have expired."""
    expired = sa.and_(_b.state.in_(("planned", "running", "waiting", "paused")), _b.expires_at <= now)
    return list(connection.execute(sa.select(_b.id).where(expired).order_by(_b.id)).scalars())


def open_batches(connection: sa.Connection) -> list[OpenBatch]:
    """Batches that are not over, or whose calls wait to be settled, oldest first."""
    return [OpenBatch(**row) for row in connection.execute(OPEN).mappings()]


def wanting(connection: sa.Connection, limit: int) -> tuple[list[Batch], int]:
    """Batches that are not over or have unknown calls, newest first, and how many there are; no call is counted."""
    unknown = sa.select(call_tasks.c.batch_id).where(call_tasks.c.state == "unknown")
    wants = sa.or_(_b.state.not_in(("cancelled", "completed")), _b.id.in_(unknown))
    found = [_batch(row) for row in connection.execute(_BATCH.where(wants).order_by(_b.id.desc()))]
    return found[:limit], len(found)


def in_flight(connection: sa.Connection, batch_ids: Sequence[int]) -> dict[int, dict[CallState, int]]:
    """Calls of these batches that are being pushed or whose outcome is unknown, by state; by an index of theirs."""
    t = call_tasks.c
    query = sa.select(t.batch_id, t.state, sa.func.count()).where(
        t.state.in_(("pushing", "unknown")), t.batch_id.in_(batch_ids)
    )
    found: dict[int, dict[CallState, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, state, calls in connection.execute(query.group_by(t.batch_id, t.state)):
        found[batch_id][cast(CallState, state)] = calls
    return found


def answers_since(connection: sa.Connection, batch_id: int, since: dt.datetime) -> int:
    """Attempts of a batch that ended after `since`."""
    log = call_log.c
    ended = sa.select(sa.func.count()).where(log.batch_id == batch_id, log.recorded_at > since)
    return connection.execute(ended).scalar_one()


def fence(connection: sa.Connection, batch_id: int, runner: uuid.UUID) -> BatchState | None:
    """The batch's state, locked until the transaction ends; None when another runner took over.

    The lock holds a pause, a cancellation or another runner off until the claim is committed.
    """
    mine = sa.select(_b.state).where(_b.id == batch_id, _b.runner == runner)
    return cast(BatchState | None, connection.execute(mine.with_for_update(read=True)).scalar_one_or_none())


def runner_lock(url: URL, batch_id: int) -> SessionLock:
    """The lock of the one process that pushes the batch."""
    return SessionLock(url, "call batch", batch_id)


def is_pushed(connection: sa.Connection, batch_id: int) -> bool:
    """Whether some process holds the batch's lock now."""
    return is_held(connection, "call batch", batch_id)


def start(connection: sa.Connection, batch_id: int, runner: uuid.UUID, now: dt.datetime) -> bool:
    """Make `runner` the one that may claim; False when the batch's state forbids pushing."""
    return connection.execute(START, {"id": batch_id, "runner": runner, "now": now}).rowcount == 1


def move(
    connection: sa.Connection,
    batch_id: int,
    state: BatchState,
    *,
    come_from: Sequence[BatchState],
    now: dt.datetime,
    note: str = "",
    resume_at: dt.datetime | None = None,
    runner: uuid.UUID | None = None,
) -> bool:
    """Change the state; False when the batch is in none of `come_from`, or another runner has it."""
    values = {"id": batch_id, "state": state, "come_from": list(come_from), "note": note, "now": now}
    return connection.execute(MOVE, {**values, "resume_at": resume_at, "runner": runner}).rowcount == 1


def reopen(connection: sa.Connection, batch_ids: Sequence[int], now: dt.datetime) -> int:
    """Let completed batches go on; returns how many were completed."""
    completed = sa.update(call_batches).where(_b.state == "completed", ~_b.shadow, _b.id.in_(batch_ids))
    note = "settled calls are to be made again"
    again = completed.values(state="waiting", resume_at=now, finished_at=None, note=note)
    return connection.execute(again).rowcount


def state_now(connection: sa.Connection, batch_id: int) -> tuple[BatchState, uuid.UUID | None]:
    """The state and the runner whose claims are valid."""
    state, runner = connection.execute(sa.select(_b.state, _b.runner).where(_b.id == batch_id)).one()
    return cast(BatchState, state), runner


def days_of(connection: sa.Connection, batch_ids: Sequence[int]) -> list[dt.date]:
    """The partitions that these batches are in."""
    return list(connection.execute(sa.select(_b.day).distinct().where(_b.id.in_(batch_ids))).scalars())


def count_of_task(connection: sa.Connection, task_id: int) -> int:
    """How many batches a calling task has had."""
    of_task = sa.select(sa.func.count()).where(_b.calling_task_id == task_id)
    return connection.execute(of_task).scalar_one()


def outcome(connection: sa.Connection, batch_id: int) -> Outcome:
    """What became of the batch's rows so far, those in the archives with them."""
    states: dict[CallState, int] = {}
    reasons: dict[str, int] = {}
    t = call_tasks.c
    reason = sa.case((t.state.in_(("skipped", "failed")), t.reason)).label("reason")
    query = sa.select(t.state, reason, sa.func.count()).where(t.batch_id == batch_id).group_by(t.state, reason)
    for state, why, rows in connection.execute(query):
        states[cast(CallState, state)] = states.get(cast(CallState, state), 0) + rows
        if why is not None:
            reasons[why] = reasons.get(why, 0) + rows
    for why, rows in archives.reasons_of(connection, batch_id).items():
        states["skipped"] = states.get("skipped", 0) + rows
        reasons[why] = reasons.get(why, 0) + rows
    return Outcome(states, reasons)


def _batch(row: Any) -> Batch:
    return Batch(**{**row._mapping, "card": _card(row.card), "redial": rules_from(row.redial)})


def _card(document: Mapping[str, Any]) -> Card:
    if not document:
        return Card(0, 0)
    lines = tuple(CardLine(line["reason"], line["rows"], tuple(line["samples"])) for line in document["left_out"])
    redials = tuple(RedialLine(line["result"], line["rows"]) for line in document.get("redials", ()))
    return Card(document["source_rows"], document["to_call"], lines, redials)
