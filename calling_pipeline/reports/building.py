"""Builds the report of a period from stored numbers. It reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from calling_pipeline.reports import periods
from calling_pipeline.reports.control import totals_of
from calling_pipeline.reports.gathering import Gathered, gather
from calling_pipeline.reports.records import Period, Report, Section
from calling_pipeline.reports.sections.agents import agents
from calling_pipeline.reports.sections.alerts import alerts
from calling_pipeline.reports.sections.batches import batches
from calling_pipeline.reports.sections.hours import hours
from calling_pipeline.reports.sections.notifications import notifications
from calling_pipeline.reports.sections.proof import proof
from calling_pipeline.reports.sections.summary import summary
from calling_pipeline.reports.sections.telephony import telephony
from calling_pipeline.reports.sections.tracks import tracks
from calling_pipeline.reports.sections.trend import trend

SECTIONS: Sequence[Callable[[Gathered], Section]] = (
    summary,
    tracks,
    trend,
    agents,
    hours,
    batches,
    notifications,
    telephony,
    alerts,
    proof,
)
"""In the order in which they are read."""


def build(
    connection: sa.Connection, period: Period, *, revision: int = 1, agent_names: Mapping[str, str] | None = None
) -> Report:
    """The report of the period as it stands now; `partial` says what is missing from it."""
    found = gather(connection, period, agent_names or {})
    return Report(
        period=period,
        revision=revision,
        made_at=found.now,
        partial=periods.waits(period, [*found.task, *found.grade], found.now),
        sections=tuple(section(found) for section in SECTIONS),
        control=totals_of(len(period.days), found.sums),
    )
