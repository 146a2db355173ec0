"""A pool of lines, event by event: the judge of the formula. It shares no code with it.

Collectors pause, want a call, get a free line or are refused, and pause anew. A line is taken by the call and its cool-down.
"""

from __future__ import annotations

import csv
import heapq
import math
import os
import random
from pathlib import Path

REAL_CALLS = "CALLING_REAL_CALLS_CSV"
"""Names a CSV with a column duration_s; without it durations are lognormal, as those real calls were."""
_MU, _SIGMA, _LONGEST_S = 5.16, 0.93, 5_000.0


def durations(*, seed: int = 1) -> tuple[str, list[float]]:
    """Where they come from, and durations of calls in seconds."""
    path = os.environ.get(REAL_CALLS, "")
    if path:
        with Path(path).open(encoding="utf-8") as file:
            return "real calls", [float(row["duration_s"]) for row in csv.DictReader(file)]
    pick = random.Random(seed)
    return "lognormal", [min(_LONGEST_S, math.exp(pick.gauss(_MU, _SIGMA))) for _ in range(41_188)]


def refused(
    lasts: list[float], *, collectors: int, lines: int, pause_s: float, cool_down_s: float, attempts: int, seed: int
) -> float:
    """The share of attempts refused, from 0 to 1, after a tenth of them as a start."""
    pick = random.Random(seed)
    events = [(pick.expovariate(1 / pause_s), number, True) for number in range(collectors)]
    heapq.heapify(events)
    free, number, warm, lost, seen = lines, collectors, attempts // 10, 0, 0
    while seen < warm + attempts:
        at, _, wants_a_call = heapq.heappop(events)
        if not wants_a_call:
            free += 1
            continue
        seen += 1
        idle_from = at
        if free:
            free -= 1
            idle_from += pick.choice(lasts)
            number += 1
            heapq.heappush(events, (idle_from + cool_down_s, number, False))
        elif seen > warm:
            lost += 1
        number += 1
        heapq.heappush(events, (idle_from + pick.expovariate(1 / pause_s), number, True))
    return lost / attempts
