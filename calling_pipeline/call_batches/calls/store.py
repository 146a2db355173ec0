"""SQL of the calls: claims, outcomes, log and history.

The protocol. A claim (`pending → pushing`, fenced by the batch's runner) is committed before its request is sent. An
outcome is accepted only for the claim it belongs to, once, and brings its log row and history row in the same statement.
What a dead runner leaves in `pushing` becomes `unknown`; a late answer of that very claim may still replace `unknown`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.records import BatchState, Claimed, Result, UnknownCall

FENCE = sa.text("SELECT state FROM call_batches WHERE id = :batch_id AND runner = :runner FOR SHARE")
"""Holds a pause, a cancellation or another runner off until the claim is committed."""

DUE = sa.text("""
SELECT task.id, task.phone, task.staff_name, task.sys_name, task.order_type, task.order_nums, task.distinct_id,
    task.attempts,
       history.phone IS NOT NULL AS called_before
FROM (SELECT * FROM call_tasks
      WHERE batch_id = :batch_id AND state = 'pending' AND (not_before IS NULL OR not_before <= :now)
      ORDER BY source_row LIMIT :limit FOR UPDATE SKIP LOCKED) AS task
LEFT JOIN call_history AS history ON history.phone = task.phone AND history.last_call_task_id <> task.id
     AND (CAST(:recall_from AS timestamptz) IS NULL OR history.last_called_at > :recall_from)
ORDER BY task.source_row
""")

SLOTS = sa.text("""
UPDATE gateway_ids SET last_slot = greatest(last_slot + 1, :now_ms) + :count - 1 WHERE single RETURNING last_slot
""")
"""A slot is a millisecond since 1970 that was never given out before: what a distinct_id is made of."""

APPLY_CLAIM = sa.text("""
UPDATE call_tasks AS task
SET state = claim.state, reason = claim.reason, distinct_id = claim.distinct_id, not_before = claim.not_before,
    attempts = task.attempts + (claim.state = 'pushing')::int, claim = CAST(:claim AS uuid), claimed_at = :now
FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:distinct_ids AS text[]),
            CAST(:not_befores AS timestamptz[])) AS claim (id, state, reason, distinct_id, not_before)
WHERE task.id = claim.id AND task.state = 'pending'
""")

RELEASE = sa.text("""
UPDATE call_tasks AS task
SET state = CASE WHEN batch.state = 'cancelled' THEN 'skipped' ELSE 'pending' END,
    reason = CASE WHEN batch.state = 'cancelled' THEN 'cancelled' END, attempts = attempts - 1, claim = NULL
FROM call_batches AS batch
WHERE batch.id = task.batch_id AND task.claim = CAST(:claim AS uuid) AND task.state = 'pushing'
  AND (CAST(:ids AS bigint[]) IS NULL OR task.id = ANY(:ids)) AND batch.id = :batch_id
RETURNING task.distinct_id
""")
"""Gives back claims that were certainly not sent."""

RECORD = sa.text("""
WITH answer AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:claims AS uuid[]), CAST(:states AS text[]), CAST(:outcomes AS text[]),
        CAST(:codes AS text[]), CAST(:messages AS text[]), CAST(:statuses AS smallint[]), CAST(:sents AS timestamptz[]),
        CAST(:answereds AS timestamptz[]), CAST(:not_befores AS timestamptz[]))
    AS answer (id, claim, state, outcome, code, message, status, sent, answered, not_before)),
settled AS (
    UPDATE call_tasks AS task
    SET state = CASE WHEN answer.state = 'pending' AND batch.state = 'cancelled' THEN 'skipped' ELSE answer.state END,
        reason = CASE WHEN answer.state = 'pending' AND batch.state = 'cancelled' THEN 'cancelled'
                      WHEN answer.state IN ('failed', 'refused') THEN answer.message END,
        resp_code = nullif(answer.code, ''), not_before = answer.not_before
    FROM answer, call_batches AS batch
    WHERE task.id = answer.id AND task.claim = answer.claim AND batch.id = task.batch_id
      AND (task.state = 'pushing' OR task.state = 'unknown' AND answer.state <> 'unknown')
    RETURNING task.id, task.batch_id, task.phone, task.distinct_id, task.attempts, task.claimed_at, answer.outcome,
        answer.code,
              answer.message, answer.status, answer.sent, answer.answered),
logged AS (
    INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, resp_code, message,
        http_status, sent_at,
                          answered_at, recorded_at, recorded_by)
    SELECT id, batch_id, phone, distinct_id, attempts, outcome, code, message, status, sent, answered, :now, :by
        FROM settled),
remembered AS (
    INSERT INTO call_history AS known (phone, first_called_at, last_called_at, calls, last_batch_id, last_call_task_id)
    SELECT DISTINCT ON (phone) phone, coalesce(sent, claimed_at), coalesce(sent, claimed_at), 1, batch_id, id
    FROM settled WHERE outcome = 'pushed' ORDER BY phone, id DESC
    ON CONFLICT (phone) DO UPDATE SET last_called_at = greatest(known.last_called_at, excluded.last_called_at),
        calls = known.calls + 1, last_batch_id = excluded.last_batch_id, last_call_task_id = excluded.last_call_task_id)
SELECT id, outcome, distinct_id FROM settled
""")
"""Outcome, log and history at once. Sent twice (a commit whose answer was lost), it changes nothing the second time."""

ORPHANS = sa.text("""
WITH orphan AS (
    UPDATE call_tasks SET state = 'unknown' WHERE batch_id = :batch_id AND state = 'pushing'
    RETURNING id, batch_id, phone, distinct_id, attempts, claimed_at)
INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, message, sent_at, recorded_at,
    recorded_by)
SELECT id, batch_id, phone, distinct_id, attempts, 'unknown', 'the process ended before the outcome was recorded',
    claimed_at,
       :now, :by
FROM orphan
""")

SETTLE = sa.text("""
WITH settled AS (
    UPDATE call_tasks AS task
    SET state = CASE WHEN :pushed THEN 'pushed' WHEN batch.state = 'cancelled' THEN 'skipped' ELSE 'pending' END,
        reason = CASE WHEN NOT :pushed AND batch.state = 'cancelled' THEN 'cancelled' END, claim = NULL, not_before = NULL
    FROM call_batches AS batch
    WHERE batch.id = task.batch_id AND task.state = 'unknown' AND task.id = ANY(CAST(:ids AS bigint[]))
    RETURNING task.id, task.batch_id, task.phone, task.distinct_id, task.attempts, task.claimed_at),
logged AS (
    INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, message, sent_at, recorded_at,
        recorded_by)
    SELECT id, batch_id, phone, distinct_id, attempts, CASE WHEN :pushed THEN 'settled_pushed'
        ELSE 'settled_retry' END, :note,
           claimed_at, :now, :by
    FROM settled),
remembered AS (
    INSERT INTO call_history AS known (phone, first_called_at, last_called_at, calls, last_batch_id, last_call_task_id)
    SELECT DISTINCT ON (phone) phone, claimed_at, claimed_at, 1, batch_id, id FROM settled WHERE :pushed
        ORDER BY phone, id DESC
    ON CONFLICT (phone) DO UPDATE SET last_called_at = greatest(known.last_called_at, excluded.last_called_at),
        calls = known.calls + 1, last_batch_id = excluded.last_batch_id, last_call_task_id = excluded.last_call_task_id)
SELECT id, batch_id, distinct_id FROM settled
""")

REOPEN = sa.text("""
UPDATE call_batches SET state = 'waiting', resume_at = :now, finished_at = NULL, note = 'settled calls are to be made again'
WHERE state = 'completed' AND id = ANY(CAST(:batch_ids AS bigint[]))
""")

SKIP_PENDING = sa.text("""
UPDATE call_tasks SET state = 'skipped', reason = 'cancelled' WHERE batch_id = :batch_id AND state = 'pending'
""")

OPEN_CALLS = sa.text("""
SELECT count(*) AS pending, min(coalesce(not_before, :now)) AS next_due,
       (SELECT count(*) FROM call_tasks WHERE batch_id = :batch_id AND state = 'pushing') AS pushing
FROM call_tasks WHERE batch_id = :batch_id AND state = 'pending'
""")
"""Each state by an index of its own."""

UNKNOWN = sa.text("""
SELECT task.id, task.batch_id, task.phone, task.distinct_id, task.claimed_at, coalesce(log.message, '') AS message
FROM call_tasks AS task
LEFT JOIN LATERAL (SELECT message FROM call_log WHERE call_log.batch_id = task.batch_id AND call_task_id = task.id
                   AND outcome = 'unknown' ORDER BY id DESC LIMIT 1) AS log ON true
WHERE task.state = 'unknown' AND (CAST(:batch_id AS bigint) IS NULL OR task.batch_id = :batch_id)
ORDER BY task.id LIMIT :limit
""")

UNKNOWN_IDS = sa.text("""
SELECT id FROM call_tasks WHERE state = 'unknown' AND (CAST(:batch_id AS bigint) IS NULL OR batch_id = :batch_id)
  AND (CAST(:ids AS bigint[]) IS NULL OR id = ANY(:ids))
      AND (CAST(:distinct_id AS text) IS NULL OR distinct_id = :distinct_id)
""")

STUCK_BATCHES = sa.text("SELECT DISTINCT batch_id FROM call_tasks WHERE state = 'pushing' ORDER BY batch_id")

LAST_ANSWER = sa.text("SELECT answered_at FROM call_log WHERE answered_at IS NOT NULL ORDER BY id DESC LIMIT 1")


def fence(connection: sa.Connection, batch_id: int, runner: uuid.UUID) -> BatchState | None:
    """The batch's state, held until the transaction ends; None when another runner took over."""
    state: BatchState | None = connection.execute(FENCE, {"batch_id": batch_id, "runner": runner}).scalar_one_or_none()
    return state


def due(
    connection: sa.Connection, batch_id: int, *, now: dt.datetime, recall_from: dt.datetime | None, limit: int
) -> list[Any]:
    """Rows that may be claimed now, locked; rows another session holds are passed over."""
    values = {"batch_id": batch_id, "now": now, "recall_from": recall_from, "limit": limit}
    return list(connection.execute(DUE, values))


def take_slots(connection: sa.Connection, now: dt.datetime, count: int) -> range:
    """`count` milliseconds that no distinct_id ever had."""
    now_ms = int(now.timestamp() * 1000)
    last = int(connection.execute(SLOTS, {"now_ms": now_ms, "count": count}).scalar_one())
    return range(last - count + 1, last + 1)


def apply_claim(
    connection: sa.Connection,
    claim: str,
    rows: Sequence[tuple[int, str, str | None, str | None, dt.datetime | None]],
    now: dt.datetime,
) -> int:
    """Write the verdicts (id, state, reason, distinct_id, not_before) on locked rows; returns how many."""
    ids, states, reasons, distinct_ids, not_befores = ([row[n] for row in rows] for n in range(5))
    values = {"ids": ids, "states": states, "reasons": reasons, "distinct_ids": distinct_ids, "not_befores": not_befores}
    return connection.execute(APPLY_CLAIM, {**values, "claim": claim, "now": now}).rowcount


def release(connection: sa.Connection, batch_id: int, claim: str, ids: Sequence[int] | None = None) -> list[str]:
    """Give back claims that were not sent (all of `claim` without ids); returns their distinct_ids."""
    values = {"batch_id": batch_id, "claim": claim, "ids": None if ids is None else list(ids)}
    return list(connection.execute(RELEASE, values).scalars())


def record(connection: sa.Connection, results: Sequence[Result], *, now: dt.datetime, by: str) -> list[str]:
    """Write outcomes; returns the distinct_ids of those that were certainly not executed."""
    values = {
        "ids": [result.call.id for result in results],
        "claims": [result.call.claim for result in results],
        "states": [result.state for result in results],
        "outcomes": [result.outcome for result in results],
        "codes": [result.resp_code for result in results],
        "messages": [result.message for result in results],
        "statuses": [result.http_status for result in results],
        "sents": [result.sent_at for result in results],
        "answereds": [result.answered_at for result in results],
        "not_befores": [result.not_before for result in results],
        "now": now,
        "by": by,
    }
    return [row.distinct_id for row in connection.execute(RECORD, values) if row.outcome in ("not_sent", "failed")]


def orphans_to_unknown(connection: sa.Connection, batch_id: int, *, now: dt.datetime, by: str) -> int:
    """Call unknown what a dead runner left in `pushing`. Only for who holds the batch's lock."""
    return connection.execute(ORPHANS, {"batch_id": batch_id, "now": now, "by": by}).rowcount


def settle(
    connection: sa.Connection, ids: Sequence[int], *, pushed: bool, note: str, by: str, now: dt.datetime
) -> list[tuple[int, int, str]]:
    """Settle unknown calls; returns (id, batch, distinct_id) of those that still were unknown."""
    values = {"ids": list(ids), "pushed": pushed, "note": note, "by": by, "now": now}
    return [(row.id, row.batch_id, row.distinct_id) for row in connection.execute(SETTLE, values)]


def reopen(connection: sa.Connection, batch_ids: Sequence[int], now: dt.datetime) -> int:
    """Let completed batches go on."""
    return connection.execute(REOPEN, {"batch_ids": list(batch_ids), "now": now}).rowcount


def skip_pending(connection: sa.Connection, batch_id: int) -> int:
    """Skip what a cancelled batch has not called."""
    return connection.execute(SKIP_PENDING, {"batch_id": batch_id}).rowcount


def open_calls(connection: sa.Connection, batch_id: int, now: dt.datetime) -> tuple[int, int, dt.datetime | None]:
    """(pending, pushing, when the first pending call may be made)."""
    row = connection.execute(OPEN_CALLS, {"batch_id": batch_id, "now": now}).one()
    return row.pending, row.pushing, row.next_due


def unknown_calls(connection: sa.Connection, *, batch_id: int | None = None, limit: int = 100) -> list[UnknownCall]:
    """Calls whose fate nobody knows, oldest first."""
    return [UnknownCall(*row) for row in connection.execute(UNKNOWN, {"batch_id": batch_id, "limit": limit})]


def unknown_ids(
    connection: sa.Connection,
    *,
    batch_id: int | None = None,
    ids: Sequence[int] | None = None,
    distinct_id: str | None = None,
) -> list[int]:
    """Ids of the unknown calls that fit every given condition."""
    values = {"batch_id": batch_id, "ids": None if ids is None else list(ids), "distinct_id": distinct_id}
    return list(connection.execute(UNKNOWN_IDS, values).scalars())


def batches_with_pushing(connection: sa.Connection) -> list[int]:
    """Batches that have calls in `pushing`."""
    return list(connection.execute(STUCK_BATCHES).scalars())


def to_claimed(row: Any, distinct_id: str, claim: str) -> Claimed:
    """A locked row as the claim it became."""
    return Claimed(
        row.id, row.phone, row.staff_name, row.sys_name, row.order_type, row.order_nums, distinct_id, row.attempts + 1, claim
    )


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When the gateway last answered a push."""
    return connection.execute(LAST_ANSWER).scalar_one_or_none()
