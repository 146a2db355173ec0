"""Judges how fast the vendor was and how long a read took, against what is usual. Pure."""

from __future__ import annotations

from calling_pipeline.call_stats.recent.records import Speed
from calling_pipeline.quality import Finding

SLOWER = 3.0
"""How many times the usual is too slow."""
ENOUGH_READS = 5
"""Earlier reads of the same track and mode that it takes to know what is usual."""
PAGE_FLOOR_S = 1.0
READ_FLOOR_S = 60.0
"""Below these nothing is too slow, whatever is usual: a page that took 30 ms instead of 5 delays nobody."""


def vendor_speed_is_usual(speed: Speed | None) -> Finding:
    """A page of the newest read took at most three times the median of the reads before it, or less than a second."""
    if speed is None:
        return Finding(True, "not read from the vendor yet")
    return _against(speed, speed.page_s, speed.usual_page_s, floor_s=PAGE_FLOOR_S, what="page")


def read_duration_is_usual(speed: Speed | None) -> Finding:
    """The newest read of the day took at most three times the median of the reads before it, or less than a minute."""
    if speed is None:
        return Finding(True, "not read from the vendor yet")
    return _against(speed, speed.read_s, speed.usual_read_s, floor_s=READ_FLOOR_S, what="read")


def _against(speed: Speed, seconds: float, usual_s: float | None, *, floor_s: float, what: str) -> Finding:
    numbers: dict[str, int | float | str] = {f"{what}_s": round(seconds, 3), "compared_reads": speed.compared}
    if usual_s is None or speed.compared < ENOUGH_READS:
        return Finding(True, f"{seconds:.2f} s per {what}, too few reads to compare", numbers=numbers)
    numbers |= {f"usual_{what}_s": round(usual_s, 3), "pages": speed.pages, "mode": speed.mode}
    passed = seconds <= max(SLOWER * usual_s, floor_s)
    return Finding(passed, f"{seconds:.2f} s per {what}, usually {usual_s:.2f} s", numbers=numbers)
