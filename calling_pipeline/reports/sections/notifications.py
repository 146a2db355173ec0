"""The messages of the period: delivered, held, dead; and ledger lines that are parked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calling_pipeline.analysis.records import Column, Figure, Note, Table
from calling_pipeline.notifications.contracts.rows.store import parked
from calling_pipeline.reports.gathering import LISTED, Gathered, not_over
from calling_pipeline.reports.records import Section
from calling_pipeline.reports.sections.store import messages_of, unsettled_message_days

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
    return Section("notifications", figures, (Table("messages", _COLUMNS, shown),), notes=_notes(found), settled=False)


def _notes(found: Gathered) -> tuple[Note, ...]:
    """Which days have messages that are held by the question whether they arrived, or that are still to be sent."""
    rows = unsettled_message_days(found.connection, found.period.first, found.period.last)
    return (*not_over(found), *_said(rows, "held", "messages_held"), *_said(rows, "under_way", "messages_under_way"))


def _said(rows: Sequence[Any], state: str, name: str) -> tuple[Note, ...]:
    concerned = [row for row in rows if row[state]]
    if not concerned:
        return ()
    values = {"count": sum(row[state] for row in concerned), "days": [row["day"] for row in concerned[:LISTED]]}
    return (Note(name, values, "warning"),)
