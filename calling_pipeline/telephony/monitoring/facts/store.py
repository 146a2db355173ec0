"""SQL that gathers what the checks and alerts of telephony judge. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.calls.tables import communication_records as records
from calling_pipeline.telephony.quality import PoolFacts

Rows = list[Mapping[str, Any]]
"""Rows that break a promise: named ids, never telephone numbers."""


ALLOCATED_FOR = dt.timedelta(seconds=30)
"""An extension may be in use this long before its call is recorded."""
SWEEP_LATE = dt.timedelta(minutes=10)
CALLBACK_UNMATCHED = dt.timedelta(hours=1)


@dataclass(frozen=True)
class RecentOutcomes:
    """One configuration's calls settled lately. `longest_delay_s`: of a callback; None when no callback came."""

    config_id: int
    tenant_id: int
    settled: int
    failed: int
    longest_delay_s: float | None


def pool_facts(connection: sa.Connection, now: dt.datetime) -> PoolFacts:
    """Everything the checks of the pool judge."""
    return PoolFacts(
        extensions_with_two_calls=extensions_with_two_calls(connection),
        collectors_with_two_extensions=collectors_with_two_extensions(connection),
        extensions_without_call=extensions_without_call(connection, now - ALLOCATED_FOR),
        calls_without_extension=calls_without_extension(connection),
        overdue_calls=overdue_calls(connection, now - SWEEP_LATE),
        unmatched_callbacks=unmatched_callbacks(connection, now - CALLBACK_UNMATCHED),
    )


def extensions_with_two_calls(connection: sa.Connection) -> Rows:
    """Extensions with more than one open call."""
    return _rows(connection.execute(_EXTENSIONS_WITH_TWO_CALLS))


def collectors_with_two_extensions(connection: sa.Connection) -> Rows:
    """Collectors who hold more than one extension."""
    return _rows(connection.execute(_COLLECTORS_WITH_TWO_EXTENSIONS))


def extensions_without_call(connection: sa.Connection, allocated_before: dt.datetime) -> Rows:
    """Extensions in use without an open call, allocated before that instant."""
    return _rows(connection.execute(_EXTENSIONS_WITHOUT_CALL, {"allocated_before": allocated_before}))


def calls_without_extension(connection: sa.Connection) -> Rows:
    """Open calls that do not hold their extension."""
    return _rows(connection.execute(_CALLS_WITHOUT_EXTENSION))


def unmatched_callbacks(connection: sa.Connection, received_before: dt.datetime) -> Rows:
    """Callbacks received before that instant whose call is not known; at most a hundred."""
    return _rows(connection.execute(_UNMATCHED_CALLBACKS, {"received_before": received_before}))


def overdue_calls(connection: sa.Connection, deadline_before: dt.datetime) -> Rows:
    """Open calls due before that instant that no sweep has looked into; at most a hundred."""
    return _rows(connection.execute(_OVERDUE_CALLS, {"deadline_before": deadline_before}))


def calls_by_state(connection: sa.Connection, first: dt.datetime, end: dt.datetime) -> dict[str, int]:
    """State → number of calls started from `first` to before `end`."""
    number = sa.func.count().label("number")
    started = sa.and_(records.c.started_at >= first, records.c.started_at < end)
    query = sa.select(records.c.state, number).where(started).group_by(records.c.state).order_by(records.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def recent_outcomes(connection: sa.Connection, since: dt.datetime) -> list[RecentOutcomes]:
    """What calls settled since that instant came to, per configuration."""
    return [RecentOutcomes(**row) for row in connection.execute(_RECENT_OUTCOMES, {"since": since}).mappings()]


def _rows(result: sa.CursorResult[Any]) -> Rows:
    return [dict(row) for row in result.mappings()]


_EXTENSIONS_WITH_TWO_CALLS = load("telephony/monitoring/facts/extensions_with_two_calls")
_COLLECTORS_WITH_TWO_EXTENSIONS = load("telephony/monitoring/facts/collectors_with_two_extensions")
_EXTENSIONS_WITHOUT_CALL = load("telephony/monitoring/facts/extensions_without_call")
_CALLS_WITHOUT_EXTENSION = load("telephony/monitoring/facts/calls_without_extension")
_UNMATCHED_CALLBACKS = load("telephony/monitoring/facts/unmatched_callbacks")
_OVERDUE_CALLS = load("telephony/monitoring/facts/overdue_calls")
_RECENT_OUTCOMES = load("telephony/monitoring/facts/recent_outcomes")
