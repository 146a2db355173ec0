"""Gathers what `quality.py` judges: each statement finds the rows that break one promise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.quality import BatchFacts, Breach, DayFacts, OpenFacts, PushingCall
from calling_pipeline.call_batches.tables import call_history, call_tasks
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.database.sql import load

REPEATED_IN_BATCH = load("call_batches/facts/repeated_in_batch")
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

EXAMPLES = 10
"""Rows read of each kind: enough to show what is wrong."""


def day_facts(connection: sa.Connection, day: dt.date) -> DayFacts:
    """What the checks judge about the batches of one day."""
    disagreements = (_breaches(connection, query, kind=kind, day=day) for kind, query in DISAGREEMENTS.items())
    return DayFacts(
        day,
        tuple(
            BatchFacts(batch, batch_store.outcome(connection, batch.id), _over_caps(connection, batch.id, batch.policy))
            for batch in batch_store.batches_of(connection, day)
        ),
        repeated=_breaches(connection, REPEATED_IN_BATCH, day=day),
        disagreements=tuple(breach for found in disagreements for breach in found),
        called_again=_breaches(connection, CALLED_AGAIN, kind="recall window", day=day),
    )


def open_facts(connection: sa.Connection) -> OpenFacts:
    """The calls being pushed for the longest, and the unknown calls of each batch, whatever their day."""
    t = call_tasks.c
    pushing = sa.select(t.id, t.batch_id, t.claimed_at).where(t.state == "pushing").order_by(t.claimed_at).limit(EXAMPLES)
    unknown = sa.select(t.batch_id, sa.func.count()).where(t.state == "unknown").group_by(t.batch_id).order_by(t.batch_id)
    return OpenFacts(
        days.now(),
        tuple(PushingCall(*row) for row in connection.execute(pushing)),
        {row[0]: row[1] for row in connection.execute(unknown.limit(EXAMPLES))},
    )


def miscounted_history(connection: sa.Connection, day: dt.date) -> tuple[Breach, ...]:
    """Numbers last called on that day of which the history counts other calls than the log has."""
    return _breaches(connection, MISCOUNTED_HISTORY, day=day)


def repeated_in_history(connection: sa.Connection) -> tuple[Breach, ...]:
    """Numbers that the call history has in several spellings."""
    return _breaches(connection, REPEATED_IN_HISTORY)


def totals_of(connection: sa.Connection, day: dt.date) -> Any:
    """Attempts and calls of the day's batches, and when the first and the last was recorded."""
    return connection.execute(DAY_TOTALS, {"day": day}).one()


def history_totals(connection: sa.Connection) -> tuple[int, int]:
    """Phones and calls of the whole call history."""
    calls = sa.func.coalesce(sa.func.sum(call_history.c.calls), 0)
    phones, total = connection.execute(sa.select(sa.func.count(call_history.c.phone), calls)).one()
    return phones, int(total)


def _over_caps(connection: sa.Connection, batch_id: int, policy: Mapping[str, Any]) -> tuple[Breach, ...]:
    found = (
        _breaches(connection, OVER_CAP, kind="cap", batch_id=batch_id, most=cap.limit, within_s=cap.within_s)
        for cap in policy_from(policy).rolling
    )
    return tuple(breach for breaches in found for breach in breaches)


def _breaches(connection: sa.Connection, query: sa.TextClause, *, kind: str = "", **values: Any) -> tuple[Breach, ...]:
    rows = connection.execute(query, {"limit": EXAMPLES, **values}).mappings()
    return tuple(Breach(row["batch"], row.get("call"), kind) for row in rows)
