"""What a calling task wants of the best time to call, and what is known about hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from calling_pipeline.errors import InvalidInput

Goal = Literal["connected", "ordered"]
Arm = Literal["exploring", "ordered"]
GOALS: tuple[Goal, ...] = get_args(Goal)
UNKNOWN_PROVINCE = ""
LEAST_EXPLORE, MOST_EXPLORE, USUAL_EXPLORE = 0.05, 0.5, 0.2


@dataclass(frozen=True)
class BestTime:
    """A calling task orders its calls by hour for `goal`; the share `explore` of each batch is ordered at random instead."""

    goal: Goal = "connected"
    explore: float = USUAL_EXPLORE

    @property
    def document(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {"goal": self.goal, "explore": self.explore}


@dataclass(frozen=True)
class Slot:
    """One stretch of at most an hour within which calls are allowed; `seconds` of it are left."""

    starts_at: dt.datetime
    seconds: float
    weekday: int
    hour: int


@dataclass(frozen=True)
class Rates:
    """The learned chance of an hour as a Beta distribution: (weekday 1 … 7, hour, province) → alpha and beta.

    The province `UNKNOWN_PROVINCE` stands for numbers whose province is not known, or was never called.
    """

    cells: Mapping[tuple[int, int, str], tuple[float, float]] = field(default_factory=dict)

    def of(self, weekday: int, hour: int, province: str) -> tuple[float, float]:
        """Alpha and beta of a cell; of all provinces where this one is not known, and of any value where no hour is."""
        found = self.cells.get((weekday, hour, province)) or self.cells.get((weekday, hour, UNKNOWN_PROVINCE))
        return found or (1.0, 1.0)


def best_time_from(value: Any) -> BestTime | None:
    """What a person wrote: nothing, or a goal and an exploring share. Raises `InvalidInput`."""
    if value is None or value == {}:
        return None
    if not isinstance(value, Mapping) or set(value) - {"goal", "explore"}:
        raise InvalidInput('best_time must be nothing, or such as {"goal": "connected", "explore": 0.2}', field="best_time")
    goal, explore = value.get("goal", "connected"), value.get("explore", USUAL_EXPLORE)
    if goal not in GOALS:
        raise InvalidInput(f"the goal of best_time must be one of {', '.join(GOALS)}", field="best_time")
    number = isinstance(explore, int | float) and not isinstance(explore, bool)
    if not number or not LEAST_EXPLORE <= explore <= MOST_EXPLORE:
        raise InvalidInput(
            f"the exploring share of best_time must be between {LEAST_EXPLORE} and {MOST_EXPLORE}: without it nothing would"
            " show whether the order is any better",
            field="best_time",
        )
    return BestTime(cast(Goal, goal), float(explore))
