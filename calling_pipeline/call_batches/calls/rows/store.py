"""SQL of the rows of batches as people look at them: of one batch, and of one number in all batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.calls.tables import call_log, call_tasks, gateway_refusals
from calling_pipeline.call_batches.history.tables import call_history
from calling_pipeline.call_batches.records import CallState
from calling_pipeline.database.sql import load

OF_BATCH = load("call_batches/calls/rows/of_batch")
OF_PHONE = load("call_batches/calls/rows/of_phone")

PAGE = 5000


def of_batch(
    connection: sa.Connection,
    batch_id: int,
    *,
    state: CallState | None = None,
    reason: str | None = None,
    after: int = 0,
    limit: int = PAGE,
    offset: int = 0,
) -> list[Any]:
    """One page of a batch's rows: behind the source row `after`, without the first `offset` of them."""
    values = {"batch_id": batch_id, "state": state, "reason": reason, "after": after, "limit": limit, "offset": offset}
    return list(connection.execute(OF_BATCH, values))


def all_of_batch(
    connection: sa.Connection, batch_id: int, *, state: CallState | None = None, reason: str | None = None
) -> Iterator[Any]:
    """Every row of a batch, read page by page."""
    after = 0
    while page := of_batch(connection, batch_id, state=state, reason=reason, after=after, limit=PAGE):
        yield from page
        after = page[-1].source_row


def count_of_batch(
    connection: sa.Connection, batch_id: int, *, state: CallState | None = None, reason: str | None = None
) -> int:
    """How many rows `of_batch` has in all."""
    t = call_tasks.c
    given = [column == value for column, value in ((t.state, state), (t.reason, reason)) if value is not None]
    return connection.execute(sa.select(sa.func.count()).where(t.batch_id == batch_id, *given)).scalar_one()


def samples(connection: sa.Connection, batch_id: int, state: CallState, limit: int = 3) -> list[str]:
    """The first canonical numbers of a batch in a state, not masked."""
    t = call_tasks.c
    some = sa.select(t.phone).where(t.batch_id == batch_id, t.state == state, t.phone.is_not(None))
    return list(connection.execute(some.order_by(t.source_row).limit(limit)).scalars())


def of_phone(connection: sa.Connection, phone: str, *, limit: int = 100) -> list[Any]:
    """Every row of a canonical number, newest batch first."""
    return list(connection.execute(OF_PHONE, {"phone": phone, "limit": limit}))


def log_of(connection: sa.Connection, phone: str, *, limit: int = 100) -> list[Any]:
    """What the log says of a canonical number: its attempts and settlements, newest first."""
    log = call_log.c
    columns = (
        log.call_task_id, log.batch_id, log.attempt, log.outcome, log.resp_code, log.message, log.sent_at, log.recorded_at,
        log.recorded_by,
    )  # fmt: skip
    newest = sa.select(*columns).where(log.phone == phone).order_by(log.recorded_at.desc(), log.id.desc())
    return list(connection.execute(newest.limit(limit)))


def history_of(connection: sa.Connection, phone: str) -> Any | None:
    """When and how often a number was called, None when never."""
    return connection.execute(sa.select(call_history).where(call_history.c.phone == phone)).one_or_none()


def refusal_of(connection: sa.Connection, phone: str) -> Any | None:
    """The last refusal of a number, None when there is none."""
    return connection.execute(sa.select(gateway_refusals).where(gateway_refusals.c.phone == phone)).one_or_none()
