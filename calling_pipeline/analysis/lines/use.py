"""How much each extension and each collector was used over a range of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.analysis.intervals import share
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.telephony.pool.line_counts import store
from calling_pipeline.telephony.pool.line_counts.records import LineUse

_USED = (
    Column("calls", "whole"),
    Column("connected", "whole"),
    Column("connected_rate", "percent"),
    Column("talk_s", "seconds"),
    Column("busy_s", "seconds"),
    Column("busy_rate", "percent"),
    Column("calls_per_hour", "number"),
    Column("failed", "whole"),
    Column("unknown", "whole"),
    Column("first_used", "moment"),
    Column("last_used", "moment"),
)
EXTENSIONS = (Column("tenant_id", "whole"), Column("extension", "text"), *_USED)
COLLECTORS = (Column("tenant_id", "whole"), Column("collector_id", "whole"), Column("collector", "text"), *_USED)


def extensions(connection: sa.Connection, question: Question) -> Analysis:
    """Each extension that had a call, the most used first. Shares are of the hours in which its tenant had any call."""
    found, hours = _found(connection, question, "extension"), _hours(connection, question)
    rows = [(one.tenant_id, one.number, *_row(one, hours)) for one in found]
    return _analysis("extensions", question, found, hours, Table("extensions", EXTENSIONS, rows))


def collectors(connection: sa.Connection, question: Question) -> Analysis:
    """Each collector who called, the busiest first. Shares are of the hours in which their tenant had any call."""
    found, hours = _found(connection, question, "collector"), _hours(connection, question)
    rows = [(one.tenant_id, one.line_id, one.name, *_row(one, hours)) for one in found]
    return _analysis("collectors", question, found, hours, Table("collectors", COLLECTORS, rows))


def _found(connection: sa.Connection, question: Question, kind: store.Kind) -> Sequence[LineUse]:
    found = store.uses(connection, question.first, question.last, kind, tenant_id=question.tenant_id)
    return sorted(found, key=lambda one: (-one.calls, one.tenant_id, one.line_id))


def _hours(connection: sa.Connection, question: Question) -> Counter[int]:
    """In how many hours each tenant had a call."""
    found = store.worked(connection, question.first, question.last, tenant_id=question.tenant_id)
    return Counter({one.tenant_id: one.hours for one in found})


def _row(one: LineUse, hours: Counter[int]) -> tuple[Value, ...]:
    of = hours[one.tenant_id]
    return (
        one.calls,
        one.connected,
        share(one.connected, one.calls),
        one.talk_s,
        one.busy_s,
        share(one.busy_s, of * 3600),
        round(one.calls / of, 2) if of else None,
        one.failed,
        one.unknown,
        one.first_at,
        one.last_at,
    )


def _analysis(name: str, question: Question, found: Sequence[LineUse], hours: Counter[int], table: Table) -> Analysis:
    calls, connected = sum(one.calls for one in found), sum(one.connected for one in found)
    seconds = sum(hours[one.tenant_id] * 3600 for one in found)
    figures = (
        Figure("calls", calls, "whole"),
        Figure("connected", connected, "whole"),
        Figure("connected_rate", share(connected, calls), "percent"),
        Figure("talk_s", sum(one.talk_s for one in found), "seconds"),
        Figure("busy_rate", share(sum(one.busy_s for one in found), seconds), "percent"),
        Figure("failed", sum(one.failed for one in found), "whole"),
        Figure("used", len(found), "whole"),
    )
    notes = [Note("hours_with_calls", {"hours": max(hours.values(), default=0)})]
    unknown = sum(one.unknown for one in found)
    if unknown:
        notes.append(Note("unknown_calls", {"count": unknown}, "warning"))
    return Analysis(name, question.first, question.last, figures, (table,), notes)
