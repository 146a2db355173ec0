"""Analyses over the call statistics: trend, agents, hours, weekday × hour, provinces, dialling tasks."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.registry import Entry
from calling_pipeline.analysis.statistics import charts, parts
from calling_pipeline.analysis.statistics.agents import BY, agents
from calling_pipeline.analysis.statistics.trend import trend

ENTRIES: Sequence[Entry] = (
    Entry("trend", "statistics", trend, charts=charts.trend_charts),
    Entry("agents", "statistics", agents, options=("by",), choices={"by": BY}),
    Entry("hours", "statistics", parts.hours, charts=charts.hour_charts),
    Entry("weekday_hours", "statistics", parts.weekday_hours, charts=charts.weekday_charts),
    Entry("provinces", "statistics", parts.provinces, charts=charts.province_charts),
    Entry("tasks", "statistics", parts.tasks),
)
