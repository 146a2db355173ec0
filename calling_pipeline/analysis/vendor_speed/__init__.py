"""How fast each outside system answers and how often it fails, by what was stored of our requests."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.analysis.registry import Entry
from calling_pipeline.analysis.vendor_speed.speed import VENDORS, vendor_speed

ENTRIES: Sequence[Entry] = (
    Entry("vendor_speed", "status", vendor_speed, options=("vendor",), choices={"vendor": ("all", *VENDORS)}),
)
