"""How long to wait before an act that certainly did not happen is attempted again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential back-off with jitter: `first_s` after the first attempt, twice as much after each, up to `longest_s`.

    Each wait is multiplied by a random number within `jitter`. A wait that the vendor asks for (`Retry-After`) counts up
    to `longest_asked_s`; it replaces the computed wait, unless `asked_is_minimum`: then the longer of the two is taken.
    """

    first_s: float
    longest_s: float
    jitter: tuple[float, float] = (1.0, 1.0)
    longest_asked_s: float = math.inf
    asked_is_minimum: bool = False

    def wait_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Seconds to wait after attempt number `attempt` (1 is the first), given what the vendor asked for."""
        asked = None if asked_s is None else min(max(asked_s, 0.0), self.longest_asked_s)
        if asked is not None and not self.asked_is_minimum:
            return asked
        doublings = min(max(attempt, 1) - 1, 64)  # beyond that any wait is the longest, and floats overflow
        computed = min(self.first_s * 2.0**doublings, self.longest_s) * random.uniform(*self.jitter)
        return computed if asked is None else max(asked, computed)
