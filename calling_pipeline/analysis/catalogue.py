"""All analyses by name: the `ENTRIES` of each folder of analyses. A new folder is one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calling_pipeline.analysis import best_time, call_quality, capacity, forecast, funnel, lines, statistics, vendor_speed
from calling_pipeline.analysis.registry import Entry

_FOLDERS: Sequence[Sequence[Entry]] = (
    statistics.ENTRIES,
    funnel.ENTRIES,
    vendor_speed.ENTRIES,
    lines.ENTRIES,
    capacity.ENTRIES,
    call_quality.ENTRIES,
    best_time.ENTRIES,
    forecast.ENTRIES,
)
"""In the order in which the doors list them."""
ANALYSES: Mapping[str, Entry] = {entry.name: entry for entries in _FOLDERS for entry in entries}
