"""Analyses over the call statistics: the trend of days."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.registry import Entry
from calling_pipeline.analysis.statistics.charts import trend_charts
from calling_pipeline.analysis.statistics.trend import trend

ENTRIES: Sequence[Entry] = (Entry("trend", "statistics", trend, charts=trend_charts),)
