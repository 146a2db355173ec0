"""How many lines a wanted share of refused clicks needs, from one's own calls."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.capacity.charts import capacity_charts
from calling_pipeline.analysis.capacity.planning import capacity
from calling_pipeline.analysis.registry import Entry

ENTRIES: Sequence[Entry] = (
    Entry("capacity", "telephony", capacity, options=("wanted", "lines"), longest_days=90, charts=capacity_charts),
)
