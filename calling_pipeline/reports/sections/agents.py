"""The ranking of agents."""

from __future__ import annotations

from calling_pipeline.reports.gathering import Gathered, notes_on_days
from calling_pipeline.reports.records import Section
from calling_pipeline.reports.sections.picking import analysed, picked

MOST_AGENTS = 30
_COLUMNS = (
    "rank",
    "agent_name",
    "agent_id",
    "calls",
    "connected",
    "connected_rate",
    "talk_s",
    "grade_9",
    "grade_1",
    "orders",
    "order_rate",
    "rank_by_rate",
)


def agents(found: Gathered) -> Section:
    """The best agents by orders, each with what is needed to judge the place fairly."""
    answer = analysed(found, "agents", {"by": "range"})
    table = picked(answer.tables[0], _COLUMNS, MOST_AGENTS)
    notes = [note for note in answer.notes if note.name in ("ranks", "few_calls")]
    return Section("agents", tables=(table,), notes=(*notes, *notes_on_days(found, ("grade",))))
