"""SQL of the calls: claims, outcomes, log and history.

The protocol. A claim (`pending → pushing`, fenced by the batch's runner) is committed before its request is sent. An
outcome is accepted only for the claim it belongs to, once, and brings its log row and history row in the same statement.
An orphaned claim becomes `unknown`; a late answer of that very claim may still replace `unknown`. `records.MOVES` is the
table of all moves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline.at_most_once.orphans import ORPHANED
from calling_pipeline.call_batches.calls.records import ClaimDecision, Claimed, Result, UnknownCall
from calling_pipeline.call_batches.calls.tables import call_log, call_tasks, gateway_ids, gateway_refusals
from calling_pipeline.call_batches.records import require_move
from calling_pipeline.database.sql import load

DUE = load("call_batches/calls/due")
APPLY_CLAIM = load("call_batches/calls/apply_claim")
RELEASE = load("call_batches/calls/release")
RECORD = load("call_batches/calls/record")
ORPHANS_TO_UNKNOWN = load("call_batches/calls/orphans_to_unknown")
SETTLE = load("call_batches/calls/settle")
ACCOUNT_REFUSALS = load("call_batches/calls/account_refusals")
REQUEUE = load("call_batches/calls/requeue")
OPEN_CALLS = load("call_batches/calls/open_calls")
UNKNOWN_CALLS = load("call_batches/calls/unknown_calls")


def due(
    connection: sa.Connection, batch_id: int, *, now: dt.datetime, recall_from: dt.datetime | None, limit: int
) -> list[Any]:
    """Rows that may be claimed now, locked; rows another session holds are passed over."""
    values = {"batch_id": batch_id, "now": now, "recall_from": recall_from, "limit": limit}
    return list(connection.execute(DUE, values))


def take_slots(connection: sa.Connection, now: dt.datetime, count: int) -> range:
    """Take `count` slots: milliseconds since 1970 that no distinct_id was ever made of."""
    now_ms = int(now.timestamp() * 1000)
    last_slot = gateway_ids.c.last_slot
    taken = sa.func.greatest(last_slot + 1, now_ms) + count - 1
    advance = sa.update(gateway_ids).where(gateway_ids.c.single).values(last_slot=taken).returning(last_slot)
    last = int(connection.execute(advance).scalar_one())
    return range(last - count + 1, last + 1)


def apply_claim(connection: sa.Connection, claim: str, decisions: Sequence[ClaimDecision], now: dt.datetime) -> int:
    """Write what was decided about calls that `due` locked; returns how many. Raises `ValueError` for a forbidden move."""
    for decision in decisions:
        if decision.state != "pending":
            require_move("pending", decision.state)
    values = {
        "ids": [decision.id for decision in decisions],
        "states": [decision.state for decision in decisions],
        "reasons": [decision.reason for decision in decisions],
        "distinct_ids": [decision.distinct_id for decision in decisions],
        "not_befores": [decision.not_before for decision in decisions],
        "claim": claim,
        "now": now,
    }
    return connection.execute(APPLY_CLAIM, values).rowcount


def release(connection: sa.Connection, batch_id: int, claim: str, ids: Sequence[int] | None = None) -> list[str]:
    """Release claims that were not sent (all of `claim` without ids); returns their distinct_ids."""
    values = {"batch_id": batch_id, "claim": claim, "ids": None if ids is None else list(ids)}
    return list(connection.execute(RELEASE, values).scalars())


def record(connection: sa.Connection, results: Sequence[Result], *, now: dt.datetime, by: str) -> list[str]:
    """Write outcomes; returns the distinct_ids of those that were certainly not executed.

    Raises `ValueError` for a state that a claimed call cannot move to.
    """
    for result in results:
        require_move("pushing", result.state)
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
        "abouts": [result.about for result in results],
        "now": now,
        "by": by,
    }
    return [row.distinct_id for row in connection.execute(RECORD, values) if row.outcome in ("not_sent", "failed")]


def orphans_to_unknown(connection: sa.Connection, batch_id: int, *, now: dt.datetime, by: str) -> int:
    """Make orphaned claims unknown; returns how many. Only for the holder of the batch's lock."""
    values = {"batch_id": batch_id, "why": ORPHANED, "now": now, "by": by}
    return connection.execute(ORPHANS_TO_UNKNOWN, values).rowcount


def settle(
    connection: sa.Connection, ids: Sequence[int], *, pushed: bool, note: str, by: str, now: dt.datetime
) -> list[tuple[int, int, str]]:
    """Settle unknown calls; returns (id, batch, distinct_id) of those that still were unknown."""
    values = {"ids": list(ids), "pushed": pushed, "note": note, "by": by, "now": now}
    return [(row.id, row.batch_id, row.distinct_id) for row in connection.execute(SETTLE, values)]


def account_refusals(connection: sa.Connection, batch_id: int, code: str | None) -> list[int]:
    """The refused calls of a batch that a person may have called again.

    They are those that our account was refused for or, with a code, those that the gateway refused with it.
    """
    return list(connection.execute(ACCOUNT_REFUSALS, {"batch_id": batch_id, "code": code}).scalars())


def requeue(connection: sa.Connection, ids: Sequence[int], *, note: str, by: str, now: dt.datetime) -> list[tuple[int, str]]:
    """Let refused calls be called again, with a log row; returns (batch, distinct_id) of those that may be.

    A call stays refused in a cancelled batch, and while its number is open in another.
    """
    values = {"ids": list(ids), "note": note, "by": by, "now": now}
    return [(row.batch_id, row.distinct_id) for row in connection.execute(REQUEUE, values)]


def count_account_refusals(connection: sa.Connection, batch_id: int) -> int:
    """How many calls of a batch wait for a person because our account was refused for them."""
    r = gateway_refusals.c
    waiting = sa.select(sa.func.count()).where(r.batch_id == batch_id, r.about == "account")
    return connection.execute(waiting).scalar_one()


def refusal_codes(connection: sa.Connection, batch_id: int) -> list[tuple[str, int]]:
    """(the gateway's code, refused calls with it) of a batch, the most frequent first."""
    t, calls = call_tasks.c, sa.func.count()
    refused = sa.select(t.resp_code, calls).where(
        t.batch_id == batch_id, t.state.in_(("refused", "failed")), t.resp_code.is_not(None)
    )
    return [(code, found) for code, found in connection.execute(refused.group_by(t.resp_code).order_by(calls.desc()))]


def forget_account_refusals(connection: sa.Connection, batch_id: int) -> None:
    """Nobody waits for a decision about a cancelled batch: later batches may call its numbers."""
    r = gateway_refusals.c
    connection.execute(sa.delete(gateway_refusals).where(r.batch_id == batch_id, r.about == "account"))


def skip_pending(connection: sa.Connection, batch_id: int, reason: Literal["cancelled", "expired", "shadow"]) -> int:
    """Skip what a cancelled, expired or shadow batch has not called; returns how many calls."""
    t = call_tasks
    pending = sa.update(t).where(t.c.batch_id == batch_id, t.c.state == "pending")
    return connection.execute(pending.values(state="skipped", reason=reason)).rowcount


def open_calls(connection: sa.Connection, batch_id: int, now: dt.datetime) -> tuple[int, int, dt.datetime | None]:
    """(pending, pushing, when the first pending call may be made)."""
    row = connection.execute(OPEN_CALLS, {"batch_id": batch_id, "now": now}).one()
    return row.pending, row.pushing, row.next_due


def unknown_calls(connection: sa.Connection, *, batch_id: int | None = None, limit: int = 100) -> list[UnknownCall]:
    """Calls whose outcome is unknown, oldest first."""
    return [UnknownCall(*row) for row in connection.execute(UNKNOWN_CALLS, {"batch_id": batch_id, "limit": limit})]


def unknown_ids(
    connection: sa.Connection,
    *,
    batch_id: int | None = None,
    ids: Sequence[int] | None = None,
    distinct_id: str | None = None,
) -> list[int]:
    """Ids of the unknown calls that fit every given condition."""
    t = call_tasks
    query = sa.select(t.c.id).where(t.c.state == "unknown")
    if batch_id is not None:
        query = query.where(t.c.batch_id == batch_id)
    if ids is not None:
        query = query.where(t.c.id.in_(ids))
    if distinct_id is not None:
        query = query.where(t.c.distinct_id == distinct_id)
    return list(connection.execute(query).scalars())


def batches_with_pushing(connection: sa.Connection) -> list[int]:
    """Batches that have calls in `pushing`."""
    batch_id = call_tasks.c.batch_id
    query = sa.select(batch_id).distinct().where(call_tasks.c.state == "pushing").order_by(batch_id)
    return list(connection.execute(query).scalars())


def to_claimed(row: Any, distinct_id: str, claim: str) -> Claimed:
    """A locked row as the claim it became."""
    return Claimed(
        row.id, row.phone, row.staff_name, row.sys_name, row.order_type, row.order_nums, distinct_id, row.attempts + 1, claim
    )


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When the gateway last answered a push."""
    answered_at = call_log.c.answered_at
    query = sa.select(answered_at).where(answered_at.is_not(None)).order_by(call_log.c.id.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()
