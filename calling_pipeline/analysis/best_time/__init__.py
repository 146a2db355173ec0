"""The best time to call: learned each night, measured against calls at random hours, switched off where it is no better."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.best_time.charts import best_time_charts
from calling_pipeline.analysis.best_time.showing import best_time
from calling_pipeline.analysis.registry import Entry

ENTRIES: Sequence[Entry] = (Entry("best_time", "batches", best_time, options=("task",), charts=best_time_charts),)
