"""What all simulated vendors share: the seeded world and the planted faults. One seed always gives the same days."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field
from pathlib import Path

from calling_pipeline.simulator.faults import Faults

MEMORY = Path()
"""As `World.pushed_calls`: they are kept as long as the simulator runs."""


class World:
    """The data that simulated vendors draw theirs from.

    `records_per_day`: call records of a whole day. `calls_csv`: real calls from which durations (s) and repeat contacts are
    drawn, with the columns `duration_s` and `contacts_in_campaign`. `hour_effect`: how much the chance of an answer depends
    on the hour (`true_rates.py`), 0: not at all. `pushed_calls`: calls that the gateway takes become call records, kept in
    that file, in memory when it is `MEMORY`, not at all when it is None.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        records_per_day: int = 2000,
        calls_csv: str | Path | None = None,
        hour_effect: float = 0.0,
        pushed_calls: Path | None = None,
    ) -> None:
        self.seed = seed
        self.hour_effect = hour_effect
        self.pushed_calls = pushed_calls
        self.records_per_day = records_per_day
        self.real_calls = _read_calls(Path(calls_csv)) if calls_csv else []

    def random(self, *words: object) -> random.Random:
        """A separate generator for the thing called `words`, always the same for one seed."""
        return random.Random("\x1f".join(map(str, (self.seed, *words))))


@dataclass
class Simulation:
    """What a simulated vendor is built from."""

    world: World
    faults: Faults = field(default_factory=Faults)


def _read_calls(path: Path) -> list[tuple[int, int]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(int(row["duration_s"]), int(row["contacts_in_campaign"])) for row in csv.DictReader(file)]
