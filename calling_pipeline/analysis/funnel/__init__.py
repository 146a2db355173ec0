"""Pushed → dialled → connected → ordered, of the whole range and of each calling task."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.funnel.funnel import funnel
from calling_pipeline.analysis.registry import Entry

ENTRIES: Sequence[Entry] = (Entry("funnel", "batches", funnel),)
