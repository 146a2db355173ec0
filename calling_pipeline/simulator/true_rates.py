"""How likely a simulated call connects and brings an order: by weekday, hour and province, seeded, and hidden.

Only `GET /guanke/_sim/best_time` says what is true. Without an effect every hour is as good as every other.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from calling_pipeline.simulator.world import World

PLACES = (
    ("浙江", "杭州"),
    ("浙江", "宁波"),
    ("江苏", "南京"),
    ("江苏", "苏州"),
    ("广东", "深圳"),
    ("四川", "成都"),
    ("湖北", "武汉"),
)
CONNECTED, ORDERED = 0.45, 0.07
"""Share of calls that connect, and of connected calls that bring an order, where no hour is better than another."""
_HOURS, _WEEKDAYS = range(24), range(7)


class TrueRates:
    """`World.hour_effect` is the spread of the hours' logarithm: 0 for none, 0.3 for hours that differ by half."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._multiplier = cache(self._drawn)

    def connected(self, weekday: int, hour: int, province: str) -> float:
        """The chance that a call connects; `weekday` 0 is Monday."""
        return min(0.95, max(0.02, CONNECTED * self._multiplier("connected", weekday, hour, province)))

    def ordered(self, weekday: int, hour: int, province: str) -> float:
        """The chance that a connected call brings an order."""
        return min(0.9, max(0.002, ORDERED * self._multiplier("ordered", weekday, hour, province)))

    def truth(self) -> dict[str, Any]:
        """Everything there is to know, for who judges."""
        provinces = sorted({province for province, _ in PLACES})
        return {
            "hour_effect": self._world.hour_effect,
            "rates": [
                {
                    "weekday": weekday + 1,
                    "hour": hour,
                    "province": province,
                    "connected": round(self.connected(weekday, hour, province), 5),
                    "ordered": round(self.ordered(weekday, hour, province), 5),
                }
                for weekday in _WEEKDAYS
                for hour in _HOURS
                for province in provinces
            ],
        }

    def _drawn(self, what: str, weekday: int, hour: int, province: str) -> float:
        spread = self._world.hour_effect
        if not spread:
            return 1.0
        parts = (("hour", hour, 1.0), ("hour of weekday", (weekday, hour), 0.4), ("hour of province", (province, hour), 0.5))
        logarithm = sum(
            spread * weight * self._world.random("best time", what, name, of).gauss(0.0, 1.0) for name, of, weight in parts
        )
        return math.exp(logarithm)
