"""Quality of calls: scores of a sample, agreement of reviewers, short and dropped calls."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.call_quality.judging import SHORT_S, call_quality
from calling_pipeline.analysis.registry import Entry

ENTRIES: Sequence[Entry] = (
    Entry("call_quality", "telephony", call_quality, options=("short", "sample"), choices={"short": SHORT_S}),
)
