"""Best time to call: how much of what perfect knowledge would gain is gained; whether it goes off without an effect."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from calling_pipeline_tests.analysis.best_time_world import play

SEEDS = range(1, 21)
LENGTH_DAYS = 56


def run() -> Iterator[dict[str, Any]]:
    """Twenty worlds with an effect and twenty without."""
    with_effect = [play(seed=seed, effect=0.3, length=LENGTH_DAYS) for seed in SEEDS]
    without = [play(seed=seed, effect=0.0, length=LENGTH_DAYS) for seed in SEEDS]
    shares = [one.share for one in with_effect]
    yield {
        "benchmark": "best_time",
        "worlds": len(shares),
        "gain_of_perfect_mean": round(statistics.mean(shares), 3),
        "gain_of_perfect_least": round(min(shares), 3),
        "stayed_on_with_effect": sum(one.off_on is None for one in with_effect),
        "switched_off_without": sum(one.off_on is not None for one in without),
    }
