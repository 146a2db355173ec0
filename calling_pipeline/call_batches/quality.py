"""The promises of the call batches, judged. Each takes what the database found and says passed or not, in a sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import ending
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.facts.store import breaches
from calling_pipeline.contact_policy.presets import policy_from

STUCK_AFTER = dt.timedelta(minutes=10)
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Finding:
    """A check's result. `examples` name batches and calls by their ids, never numbers."""

    passed: bool
    sentence: str
    examples: tuple[str, ...] = ()


def judge(rows: Rows, *, good: str, bad: str) -> Finding:
    """Passed when no row breaks the promise."""
    examples = tuple(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows)
    return Finding(not rows, good if not rows else bad, examples)


def phones_are_unique_in_batch(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """No number is to be called twice in one batch."""
    rows = breaches(connection, fact_store.REPEATED_IN_BATCH, first, last)
    return judge(rows, good="every number is in its batch once", bad="a number is to be called twice in one batch")


def phones_are_unique_in_call_history(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """One row a number, in one spelling."""
    rows = breaches(connection, fact_store.REPEATED_IN_HISTORY, first, last)
    return judge(rows, good="one row a number", bad="a number is in the history in two spellings")


def pushed_calls_have_log_and_history(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """Every pushed call has its log and its history, and the other way round."""
    queries = {
        "pushed without log": fact_store.PUSHED_WITHOUT_LOG,
        "log without pushed call": fact_store.LOG_WITHOUT_PUSHED,
        "log without history": fact_store.LOG_WITHOUT_HISTORY,
    }
    rows = [{"breach": name, **row} for name, query in queries.items() for row in breaches(connection, query, first, last)]
    return judge(rows, good="calls, log and history agree", bad="calls, log and history disagree")


def history_agrees_with_log(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """The history counts exactly the calls in the log."""
    rows = breaches(connection, fact_store.HISTORY_WITHOUT_LOG, first, last)
    return judge(rows, good="the history counts the log's calls", bad="the history counts other calls than the log")


def cards_reconcile(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """Source rows = the calls in each state + the rows left out for each reason, in every batch."""
    rows = []
    for day in days.day_range(first, last):
        for batch in batch_store.batches_of(connection, day):
            document = ending.reconciliation(batch, batch_store.outcome(connection, batch.id))
            if document["difference"] or document["reasons_missing"] or not batch.card.adds_up:
                rows.append({"batch": batch.id, "unaccounted for": document["difference"]})
    return judge(rows, good="every source row is accounted for", bad="source rows are unaccounted for")


def nobody_is_called_twice(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """No number was called again inside the recall window or beyond a cap."""
    rows = [{"rule": "recall window", **row} for row in breaches(connection, fact_store.CALLED_AGAIN, first, last)]
    for day in days.day_range(first, last):
        for batch in batch_store.batches_of(connection, day):
            caps = [(cap.limit, cap.within_s) for cap in policy_from(batch.policy).rolling]
            rows += [{"rule": "cap", **row} for row in fact_store.over_caps(connection, batch.id, caps)]
    return judge(rows, good="nobody was called too often", bad="somebody was called too often")


def nothing_is_stuck_in_pushing(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """No call is under way for longer than any request lasts."""
    rows = breaches(connection, fact_store.PUSHING, first, last, before=days.now() - STUCK_AFTER)
    return judge(rows, good="nothing is stuck", bad="calls are stuck in `pushing`; `calls resume` their batch")


def no_call_is_unknown(connection: sa.Connection, first: dt.date, last: dt.date) -> Finding:
    """No call's fate is unknown."""
    rows = breaches(connection, fact_store.UNKNOWN, first, last)
    return judge(rows, good="every call's fate is known", bad="calls with unknown fate wait for `calls settle`")
