"""An exact rate limit: sends at equal distances. Lost time is caught up so slowly that no second exceeds the rate."""

from __future__ import annotations

BURST_S = 0.01
"""Lateness made up for at once: 1 % of a second's worth. Timers are late by a millisecond or two, always."""
PACE = 0.975
"""Sends are planned at this share of the rate: a window of one second that begins and ends with a send holds one more than
the rate, and requests may reach the gateway closer together than they were sent."""
CATCH_UP = 1.01
"""Lateness beyond the burst is made up for by sending this much faster. All three together stay below R in any second,
wherever it begins: (1 + BURST_S) * PACE * CATCH_UP < 1."""
MOST_DEBT_S = 2.0


class Pacer:
    """Gives out the instants at which sends are due, `rate_per_s` per second. Times in seconds of one clock."""

    def __init__(self, rate_per_s: float) -> None:
        self._interval_s = 1 / (PACE * rate_per_s)
        self._next_s: float | None = None
        self._debt_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long to wait from `now_s` until the next send; each call books one."""
        due_s = now_s if self._next_s is None else self._next_s
        late_s = now_s - due_s - BURST_S
        if late_s > 0:
            self._debt_s = min(self._debt_s + late_s, MOST_DEBT_S)
            due_s = now_s - BURST_S
        saved_s = min(self._debt_s, self._interval_s * (1 - 1 / CATCH_UP))
        self._debt_s -= saved_s
        self._next_s = due_s + self._interval_s - saved_s
        return max(0.0, due_s - now_s)

    def ahead_s(self, now_s: float) -> float:
        """How long until the next send is due; books nothing."""
        return 0.0 if self._next_s is None else max(0.0, self._next_s - now_s)

    def unbook(self) -> None:
        """The booked send was not made."""
        if self._next_s is not None:
            self._next_s -= self._interval_s
