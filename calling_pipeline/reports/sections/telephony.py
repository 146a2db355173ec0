"""The use of the lines: calls, refusals by reason, and the pool's peak, of each day."""

from __future__ import annotations

from collections import Counter

from calling_pipeline.analysis.intervals import share
from calling_pipeline.analysis.records import Column, Figure, Note, Table, Value
from calling_pipeline.reports.gathering import LISTED, Gathered, not_over
from calling_pipeline.reports.records import Section
from calling_pipeline.reports.sections.store import unsettled_line_days
from calling_pipeline.telephony.pool.usage.records import Usage
from calling_pipeline.telephony.pool.usage.store import of_day

_DAYS = (
    Column("day", "day"),
    Column("calls", "whole"),
    Column("connected", "whole"),
    Column("refusals", "whole"),
    Column("peak_in_use", "whole"),
    Column("peak_pct", "percent"),
)
_RULES = (Column("rule", "word"), Column("refusals", "whole"))


def telephony(found: Gathered) -> Section:
    """Calls of collectors over all tenants, what was refused and why, and how full the pool was."""
    used = [of_day(found.connection, day, tenant_id=None) for day in found.period.days]
    refused: Counter[str] = Counter()
    for one in used:
        refused.update(one.refused)
    calls, connected = sum(one.calls for one in used), sum(one.connected for one in used)
    refusals = sum(one.refusals for one in used)
    figures = (
        Figure("calls", calls, "whole"),
        Figure("connected", connected, "whole"),
        Figure("connected_rate", share(connected, calls), "percent"),
        Figure("refusals", refusals, "whole"),
        Figure("refusal_rate", share(refusals, calls + refusals), "percent"),
    )
    tables = (
        Table("usage", _DAYS, tuple(_row(one) for one in used)),
        Table("refusals", _RULES, tuple(refused.most_common())),
    )
    return Section("telephony", figures, tables, notes=(*not_over(found), *_notes(found)))


def _notes(found: Gathered) -> tuple[Note, ...]:
    """Which days have calls whose result is not known, or that no bill has confirmed yet."""
    rows = unsettled_line_days(found.connection, found.period.first, found.period.last)
    unknown, unbilled = [row for row in rows if row["open_calls"]], [row["day"] for row in rows if row["unbilled"]]
    notes = []
    if unknown:
        values = {"count": sum(int(row["open_calls"]) for row in unknown), "days": [row["day"] for row in unknown[:LISTED]]}
        notes.append(Note("calls_open", values, "warning"))
    if unbilled:
        notes.append(Note("days_unbilled", {"count": len(unbilled), "days": unbilled[:LISTED]}))
    return tuple(notes)


def _row(one: Usage) -> tuple[Value, ...]:
    peak = one.peak
    return (
        one.day,
        one.calls,
        one.connected,
        one.refusals,
        peak.peak_in_use if peak is not None else None,
        peak.peak_pct if peak is not None else None,
    )
