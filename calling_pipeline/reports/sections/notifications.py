"""The messages of the period: delivered, held, dead; and ledger lines that are parked."""

from __future__ import annotations

from calling_pipeline.analysis.records import Column, Figure, Table
from calling_pipeline.notifications.contracts.rows.store import parked
from calling_pipeline.reports.gathering import Gathered
from calling_pipeline.reports.records import Section
from calling_pipeline.reports.sections.store import messages_of

_STATES = ("messages", "delivered", "under_way", "unknown", "dead", "abandoned")
_COLUMNS = (Column("box", "word"), *(Column(name, "whole") for name in _STATES))


def notifications(found: Gathered) -> Section:
    """Messages that were written in the period by what became of them. Held ones are unknown: a person settles them."""
    first, last = found.bounds
    rows = messages_of(found.connection, first, last)
    figures = (
        *(Figure(f"messages_{name}", sum(row[name] for row in rows), "whole") for name in _STATES),
        Figure("parked_lines", len(parked(found.connection)), "whole"),
    )
    shown = tuple(tuple(row[column.name] for column in _COLUMNS) for row in rows)
    return Section("notifications", figures, (Table("messages", _COLUMNS, shown),), settled=False)
