"""The sync of a day with ten times the records: time of a record and memory. `SCALE=1` takes 200,000 and 2,000,000."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calling_pipeline_tests.benchmarks import bench_stats_sync, scaling, support

FEW = 200_000 if scaling.FULL else 5_000
MANY = 10 * FEW


def run() -> Iterator[dict[str, Any]]:
    """A day read for the first time, and read again unchanged, in turns with few and many records."""
    with (
        support.database() as url,
        support.simulator("--records-per-day", str(FEW)) as few,
        support.simulator("--records-per-day", str(MANY)) as many,
    ):
        base = url.set(drivername="postgresql").render_as_string(hide_password=False)
        first: dict[str, list[scaling.Run]] = {few: [], many: []}
        again: dict[str, list[scaling.Run]] = {few: [], many: []}
        for vendor in (few, many):
            bench_stats_sync.warm(vendor)
        for turn in range(scaling.SMALL_RUNS):
            for vendor in (few, many) if turn < 2 else (few,):
                bench_stats_sync.empty(base)
                first[vendor].append(_sync(base, vendor))
                again[vendor].append(_sync(base, vendor))
        yield scaling.growth("linear_sync_first", first[few], first[many])
        yield scaling.growth("linear_sync_again_unchanged", again[few], again[many])


def _sync(base: str, vendor: str) -> scaling.Run:
    day = bench_stats_sync.DAY.isoformat()
    return scaling.in_own_process(bench_stats_sync.CONTENDERS, "ours", base, f"{vendor}/guanke", day)
