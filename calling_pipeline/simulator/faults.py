"""Faults on request: which answers of the simulated vendors go wrong, how, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

COMMON_KINDS = ("status", "slow", "cut", "reset", "hang", "garbage")
"""Faults any vendor may show: an HTTP status, a late answer, a body cut off, a connection reset, no answer, no JSON."""


@dataclass
class Fault:
    """One planted fault.

    It affects requests whose path contains `path`: the first `times` of them (None: all), each with probability `rate`.
    With `after` the vendor does the act first and only its answer is spoiled.
    """

    kind: str
    path: str = ""
    times: int | None = 1
    rate: float = 1.0
    after: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    struck: int = 0


class Faults:
    """The faults planted in one simulator, and how often each struck."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.planted: list[Fault] = []

    def plant(self, fault: Fault) -> None:
        """Add a fault."""
        self.planted.append(fault)

    def clear(self) -> None:
        """Remove every fault."""
        self.planted.clear()

    def strike(self, path: str, *kinds: str) -> Fault | None:
        """The first planted fault of `kinds` (any when none is named) that strikes this request; counts it."""
        for fault in self.planted:
            if fault.path not in path or (kinds and fault.kind not in kinds):
                continue
            if fault.times is not None and fault.struck >= fault.times:
                continue
            if self._random.random() >= fault.rate:
                continue
            fault.struck += 1
            return fault
        return None
