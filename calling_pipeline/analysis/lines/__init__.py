"""Analyses of the lines: use of extensions and collectors, refused clicks, late callbacks."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.lines.charts import delay_charts, refusal_charts
from calling_pipeline.analysis.lines.delays import callback_delay
from calling_pipeline.analysis.lines.refused import refusals
from calling_pipeline.analysis.lines.use import collectors, extensions
from calling_pipeline.analysis.registry import Entry

ENTRIES: Sequence[Entry] = (
    Entry("extensions", "telephony", extensions),
    Entry("collectors", "telephony", collectors),
    Entry("refusals", "telephony", refusals, charts=refusal_charts, longest_days=90),
    Entry("callback_delay", "telephony", callback_delay, charts=delay_charts),
)
