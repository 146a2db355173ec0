"""SQL of the batches: their states, cards and outcomes. The calls in them are `store_calls.py`'s."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.at_most_once.orphans import SessionLock, is_held
from calling_pipeline.call_batches.records import Batch, BatchState, CallingTask, CallState, Card, CardLine, Outcome
from calling_pipeline.errors import NotFound

_COLUMNS = """id, key, calling_task_id, task_name, day, tick_at, state, note, source, recall_days, rate_per_s, policy, card,
planned_at, started_at, finished_at, resume_at"""

INSERT = sa.text("""
INSERT INTO call_batches (key, calling_task_id, task_name, day, tick_at, state, source, recall_days, rate_per_s,
    policy, card,
    planned_at)
VALUES (:key, :calling_task_id, :task_name, :day, :tick_at, 'planned', :source, :recall_days, :rate_per_s,
    CAST(:policy AS jsonb), '{}', :now)
RETURNING id
""")

BY_ID = sa.text(f"SELECT {_COLUMNS} FROM call_batches WHERE id = :id")  # noqa: S608  # a constant of this file
BY_KEY = sa.text(f"SELECT {_COLUMNS} FROM call_batches WHERE key = :key")  # noqa: S608
OF_DAY = sa.text(f"SELECT {_COLUMNS} FROM call_batches WHERE day = :day ORDER BY id")  # noqa: S608
LATEST = sa.text(f"""
SELECT {_COLUMNS} FROM call_batches
WHERE (CAST(:task AS text) IS NULL OR task_name = :task) AND (CAST(:day AS date) IS NULL OR day = :day)
  AND (CAST(:state AS text) IS NULL OR state = :state)
ORDER BY id DESC LIMIT :limit
""")  # noqa: S608
UNFINISHED = sa.text(f"""
SELECT {_COLUMNS} FROM call_batches
WHERE state IN ('planned', 'running') OR state = 'waiting' AND coalesce(resume_at, :now) <= :now ORDER BY id
""")  # noqa: S608

SET_CARD = sa.text("UPDATE call_batches SET card = CAST(:card AS jsonb) WHERE id = :id")

START = sa.text("""
UPDATE call_batches SET state = 'running', runner = :runner, started_at = coalesce(started_at, :now), resume_at = NULL,
    note = ''
WHERE id = :id AND state IN ('planned', 'running', 'waiting')
""")
"""From here on only this runner's claims are valid."""

MOVE = sa.text("""
UPDATE call_batches
SET state = :state, note = :note, resume_at = :resume_at,
    finished_at = CASE WHEN :state IN ('completed', 'cancelled') THEN CAST(:now AS timestamptz) END
WHERE id = :id AND state = ANY(CAST(:from AS text[])) AND (CAST(:runner AS uuid) IS NULL OR runner = :runner)
""")

OUTCOME = sa.text("""
SELECT state, CASE WHEN state IN ('skipped', 'failed') THEN reason END AS reason, count(*) AS rows
FROM call_tasks WHERE batch_id = :id GROUP BY 1, 2
""")

STATE_NOW = sa.text("SELECT state, runner FROM call_batches WHERE id = :id")


def insert_batch(
    connection: sa.Connection, task: CallingTask, *, key: str, tick_at: dt.datetime | None, now: dt.datetime
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
    }
    return int(connection.execute(INSERT, values).scalar_one())


def set_card(connection: sa.Connection, batch_id: int, card: str) -> None:
    """Keep the pre-flight card (JSON)."""
    connection.execute(SET_CARD, {"id": batch_id, "card": card})


def batch(connection: sa.Connection, batch_id: int) -> Batch:
    """The batch; `NotFound` when there is none."""
    row = connection.execute(BY_ID, {"id": batch_id}).one_or_none()
    if row is None:
        raise NotFound(f"there is no batch {batch_id}; `calling-pipeline calls batches` lists them")
    return _batch(row)


def batch_by_key(connection: sa.Connection, key: str) -> Batch | None:
    """The batch of one tick, when it was planned."""
    row = connection.execute(BY_KEY, {"key": key}).one_or_none()
    return None if row is None else _batch(row)


def batches_of(connection: sa.Connection, day: dt.date) -> list[Batch]:
    """The batches of one partition."""
    return [_batch(row) for row in connection.execute(OF_DAY, {"day": day})]


def latest_batches(
    connection: sa.Connection,
    *,
    task: str | None = None,
    day: dt.date | None = None,
    state: str | None = None,
    limit: int = 20,
) -> list[Batch]:
    """Batches, newest first."""
    values = {"task": task, "day": day, "state": state, "limit": limit}
    return [_batch(row) for row in connection.execute(LATEST, values)]


def unfinished_batches(connection: sa.Connection, now: dt.datetime) -> list[Batch]:
    """Batches that should be pushed now, whether or not a process is at it."""
    return [_batch(row) for row in connection.execute(UNFINISHED, {"now": now})]


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
    values = {"id": batch_id, "state": state, "from": list(come_from), "note": note, "resume_at": resume_at, "now": now}
    return connection.execute(MOVE, {**values, "runner": runner}).rowcount == 1


def state_now(connection: sa.Connection, batch_id: int) -> tuple[BatchState, uuid.UUID | None]:
    """The state and the runner whose claims are valid."""
    row = connection.execute(STATE_NOW, {"id": batch_id}).one()
    return row.state, row.runner


def outcome(connection: sa.Connection, batch_id: int) -> Outcome:
    """What became of the batch's rows so far."""
    states: dict[CallState, int] = {}
    reasons: dict[str, int] = {}
    for row in connection.execute(OUTCOME, {"id": batch_id}):
        states[row.state] = states.get(row.state, 0) + row.rows
        if row.reason is not None:
            reasons[row.reason] = reasons.get(row.reason, 0) + row.rows
    return Outcome(states, reasons)


def _batch(row: Any) -> Batch:
    return Batch(**{**row._mapping, "card": _card(row.card)})


def _card(document: Mapping[str, Any]) -> Card:
    if not document:
        return Card(0, 0)
    lines = tuple(CardLine(line["reason"], line["rows"], tuple(line["samples"])) for line in document["left_out"])
    return Card(document["source_rows"], document["to_call"], lines)
