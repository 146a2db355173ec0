"""The batches of the period: their cards, and what became of the calls that were pushed."""

from __future__ import annotations

from calling_pipeline.analysis.intervals import share
from calling_pipeline.analysis.records import Column, Figure, Note, Table
from calling_pipeline.reports.gathering import Gathered, not_over, notes_on_days
from calling_pipeline.reports.records import Section
from calling_pipeline.reports.sections.store import batches_of

MOST_BATCHES = 40
_SUMMED = ("source_rows", "to_call", "pushed", "connected", "not_connected", "not_dialled", "waiting", "order_9", "order_1")
_COLUMNS = (
    Column("batch_id", "whole"),
    Column("task_name", "text"),
    Column("day", "day"),
    Column("state", "word"),
    *(Column(name, "whole") for name in _SUMMED),
)


def batches(found: Gathered) -> Section:
    """Source rows → to call → pushed → connected, not connected, not dialled, waiting; orders; the largest batches first.

    Results are joined from call records, so what is held or lacking of these is said here too.
    """
    rows = batches_of(found.connection, found.period.first, found.period.last)
    sums = {name: sum(int(row[name] or 0) for row in rows) for name in _SUMMED}
    figures = (
        Figure("batches", len(rows), "whole"),
        *(Figure(name, sums[name], "whole") for name in _SUMMED),
        Figure("connected_rate", share(sums["connected"], sums["pushed"]), "percent"),
    )
    shown = tuple(tuple(row[column.name] for column in _COLUMNS) for row in rows[:MOST_BATCHES])
    notes = [Note("waiting_for_records", {"count": sums["waiting"]})] if sums["waiting"] else []
    unjoined = sum(1 for row in rows if not row["joined"])
    if unjoined:
        notes.append(Note("batches_not_joined", {"count": unjoined}))
    notes += [*not_over(found), *notes_on_days(found, ("grade",))]
    return Section("batches", figures if rows else (), (Table("batches", _COLUMNS, shown, len(rows)),), (), tuple(notes))
