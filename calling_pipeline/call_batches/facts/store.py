"""Gathers what `quality.py` judges: each statement finds the rows that break one promise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.tables import call_batches
from calling_pipeline.call_batches.calls.tables import call_tasks
from calling_pipeline.call_batches.quality import BatchFacts, Breach, DayFacts, HistoryFacts, PushingCall
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.database.sql import load

REPEATED_IN_BATCH = load("call_batches/facts/repeated_in_batch")
REPEATED_IN_ONE_BATCH = load("call_batches/facts/repeated_in_one_batch")
DISAGREEMENTS = {
    "pushed without log": load("call_batches/facts/pushed_without_log"),
    "log without pushed call": load("call_batches/facts/log_without_pushed"),
    "log without history": load("call_batches/facts/log_without_history"),
}
MISCOUNTED_HISTORY = load("call_batches/facts/miscounted_history")
CALLED_AGAIN = load("call_batches/facts/called_again")
OVER_CAP = load("call_batches/facts/over_cap")
REPEATED_IN_HISTORY = load("call_batches/facts/repeated_in_history")
DAY_TOTALS = load("call_batches/facts/day_totals")

MOST = 1000
EXAMPLES = 10
"""Rows read of each kind: enough to show what is wrong."""


def day_facts(connection: sa.Connection, day: dt.date) -> DayFacts:
    """What the checks judge about the batches of one day."""
    disagreements = (_breaches(connection, query, kind=kind, day=day) for kind, query in DISAGREEMENTS.items())
    return DayFacts(
        day,
        days.now(),
        tuple(
            BatchFacts(batch, batch_store.outcome(connection, batch.id), _over_caps(connection, batch.id, batch.policy))
            for batch in batch_store.batches_of(connection, day)
        ),
        repeated=_breaches(connection, REPEATED_IN_BATCH, day=day),
        disagreements=tuple(breach for found in disagreements for breach in found),
        called_again=_breaches(connection, CALLED_AGAIN, kind="recall window", day=day),
        pushing=_pushing(connection, day),
        unknown=_unknown(connection, day),
    )


def repeated_in(connection: sa.Connection, batch_id: int) -> tuple[Breach, ...]:
    """Numbers that are to be called twice in the batch."""
    return _breaches(connection, REPEATED_IN_ONE_BATCH, batch_id=batch_id)


def called_too_often(connection: sa.Connection, day: dt.date) -> tuple[Breach, ...]:
    """Calls of the day's batches that came inside the recall window or beyond a cap, at most `MOST` of each kind."""
    again = _breaches(connection, CALLED_AGAIN, kind="recall window", day=day, limit=MOST)
    batches = batch_store.batches_of(connection, day)
    return (*again, *(breach for batch in batches for breach in _over_caps(connection, batch.id, batch.policy)))


def history_facts(connection: sa.Connection, day: dt.date) -> HistoryFacts:
    """What the checks judge about the numbers last called by the batches of one day."""
    return HistoryFacts(
        miscounted=_breaches(connection, MISCOUNTED_HISTORY, day=day),
        repeated=_breaches(connection, REPEATED_IN_HISTORY, day=day),
    )


def totals_of(connection: sa.Connection, day: dt.date) -> Any:
    """Attempts and calls of the day's batches, and when the first and the last was recorded."""
    return connection.execute(DAY_TOTALS, {"day": day}).one()


def _of_day(day: dt.date) -> sa.ColumnElement[bool]:
    return call_tasks.c.batch_id.in_(sa.select(call_batches.c.id).where(call_batches.c.day == day))


def _pushing(connection: sa.Connection, day: dt.date) -> tuple[PushingCall, ...]:
    t = call_tasks.c
    query = sa.select(t.id, t.batch_id, t.claimed_at).where(t.state == "pushing", _of_day(day)).order_by(t.claimed_at)
    return tuple(PushingCall(*row) for row in connection.execute(query.limit(EXAMPLES)))


def _unknown(connection: sa.Connection, day: dt.date) -> dict[int, int]:
    t = call_tasks.c
    query = sa.select(t.batch_id, sa.func.count()).where(t.state == "unknown", _of_day(day)).group_by(t.batch_id)
    return {row[0]: row[1] for row in connection.execute(query.order_by(t.batch_id).limit(EXAMPLES))}


def _over_caps(connection: sa.Connection, batch_id: int, policy: Mapping[str, Any]) -> tuple[Breach, ...]:
    found = (
        _breaches(connection, OVER_CAP, kind="cap", batch_id=batch_id, most=cap.limit, within_s=cap.within_s)
        for cap in policy_from(policy).rolling
    )
    return tuple(breach for breaches in found for breach in breaches)


def _breaches(connection: sa.Connection, query: sa.TextClause, *, kind: str = "", **values: Any) -> tuple[Breach, ...]:
    rows = connection.execute(query, {"limit": EXAMPLES, **values}).mappings()
    return tuple(Breach(row["batch"], row.get("call"), kind) for row in rows)
