"""Tomorrow's calls and orders, with the past error of the same rule beside it."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.forecast.forecast import forecast
from calling_pipeline.analysis.registry import Entry

ENTRIES: Sequence[Entry] = (Entry("forecast", "statistics", forecast),)
