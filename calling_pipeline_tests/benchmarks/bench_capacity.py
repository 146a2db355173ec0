"""How near the expected share of refused clicks is to a pool simulated event by event: a grid of collectors, lines, pauses.

CALLING_REAL_CALLS_CSV names a CSV of real calls (column duration_s); without it durations are lognormal.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from calling_pipeline.analysis.capacity.engset import Times, refusals_of_pool
from calling_pipeline_tests.analysis.pool_simulation import durations, refused

COOL_DOWN_S, ATTEMPTS, SEEDS = 10.0, 150_000, (1, 2)
GRID = (
    (60, 30, 300), (120, 60, 300), (200, 100, 300), (200, 110, 300), (30, 16, 300), (300, 100, 600), (300, 150, 300),
    (50, 20, 600), (80, 60, 90), (40, 30, 60), (100, 60, 120), (20, 12, 180), (12, 10, 60), (10, 5, 300),
)  # fmt: skip
WITHIN, AT_LEAST = 0.5, 12


def run() -> Iterator[dict[str, object]]:
    """One line for each case, then how many lie within half a point."""
    source, lasts = durations()
    mean = statistics.fmean(lasts)
    near = 0
    for collectors, lines, pause_s in GRID:
        found = [
            refused(
                lasts,
                collectors=collectors,
                lines=lines,
                pause_s=pause_s,
                cool_down_s=COOL_DOWN_S,
                attempts=ATTEMPTS,
                seed=seed,
            )
            for seed in SEEDS
        ]
        begun = time.perf_counter()
        expected = 100 * refusals_of_pool(collectors, Times(mean, COOL_DOWN_S, pause_s), lines)[-1]
        took_ms = 1000 * (time.perf_counter() - begun)
        simulated = 100 * statistics.fmean(found)
        near += abs(expected - simulated) <= WITHIN
        yield {
            "benchmark": "capacity",
            "case": f"{collectors} collectors, {lines} lines, {pause_s} s pause",
            "durations": source,
            "simulated_pct": round(simulated, 2),
            "expected_pct": round(expected, 2),
            "points_off": round(expected - simulated, 2),
            "formula_ms": round(took_ms, 2),
        }
    yield {
        "benchmark": "capacity",
        "case": f"within {WITHIN} points",
        "durations": source,
        "near": near,
        "of": len(GRID),
        "goal": AT_LEAST,
        "met": near >= AT_LEAST,
    }
