"""What was wrong when the report was made."""

from __future__ import annotations

from calling_pipeline.alerts import store
from calling_pipeline.analysis.records import Column, Figure, Table
from calling_pipeline.reports.gathering import Gathered
from calling_pipeline.reports.records import Section

MOST_ALERTS = 30
_COLUMNS = (
    Column("severity", "word"),
    Column("alert", "word"),
    Column("since", "moment"),
    Column("times_announced", "whole"),
)


def alerts(found: Gathered) -> Section:
    """The open conditions, newest first; what they say is in the language of who reads."""
    total = store.count_conditions(found.connection, since=found.now, only_open=True)
    shown = store.conditions(found.connection, since=found.now, only_open=True, limit=MOST_ALERTS)
    rows = tuple((one.severity, one.title_with_day, one.opened_at, one.times_announced) for one in shown)
    figures = (Figure("open_alerts", total, "whole"),)
    return Section("alerts", figures, (Table("alerts", _COLUMNS, rows, total),), settled=False)
