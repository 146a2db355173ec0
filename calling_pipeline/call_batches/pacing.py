"""An exact rate limit: sends are due at equal distances, and a stall is made up for only as far as no second shows it."""

from __future__ import annotations

MOST_LAG_S = 0.04
"""How far behind schedule sends may still be made up for: a burst of 4 % of a second's worth."""


class Pacer:
    """Gives out the instants at which sends are due, `rate_per_s` of them a second. Times in seconds of one clock."""

    def __init__(self, rate_per_s: float) -> None:
        self._interval_s = 1 / rate_per_s
        self._next_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """How long to wait from `now_s` until the next send; each call books one."""
        if self._next_s is None or now_s - self._next_s > max(MOST_LAG_S, 0):
            self._next_s = now_s
        wait = max(0.0, self._next_s - now_s)
        self._next_s += self._interval_s
        return wait

    def ahead_s(self, now_s: float) -> float:
        """How long until the next send is due; books nothing."""
        return 0.0 if self._next_s is None else max(0.0, self._next_s - now_s)

    def give_back(self) -> None:
        """The booked send was not made."""
        if self._next_s is not None:
            self._next_s -= self._interval_s
