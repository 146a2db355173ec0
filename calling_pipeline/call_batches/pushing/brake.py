"""Slows a batch down while the gateway takes nothing, and stops it when only a person can help. Pure.

Instants are seconds of one monotonic clock.
"""

from __future__ import annotations

from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.vendors.dial_gateway import PushAnswer, settings_to_look_at

HOLD = Backoff(first_s=0.1, longest_s=30.0)
"""How long nothing is sent after the gateway did not take a request."""


class Brake:
    """What the answers so far say about the gateway."""

    def __init__(self) -> None:
        self.halted: str | None = None
        """Why a person has to act before anything can be sent, None as long as nobody has to."""
        self._held_until_s = 0.0
        self._holds = 0
        self._down_since_s: float | None = None

    @property
    def gateway_is_up(self) -> bool:
        """Whether the gateway took the last request that was answered."""
        return self._down_since_s is None

    def held_s(self, now_s: float) -> float:
        """How long nothing is to be sent."""
        return max(0.0, self._held_until_s - now_s)

    def down_s(self, now_s: float) -> float:
        """How long the gateway has taken nothing."""
        return 0.0 if self._down_since_s is None else now_s - self._down_since_s

    def heed(self, answer: PushAnswer, *, sent_s: float, now_s: float) -> None:
        """Learn from one answer. Requests that were sent before a hold began do not make it longer."""
        if answer.halt:
            look_at = settings_to_look_at(answer)
            self.halted = f"the gateway does not accept our requests ({answer.message}); check its credentials: {look_at}"
        if answer.outcome != "retry":
            self._down_since_s, self._holds = None, 0
            return
        if self._down_since_s is None:
            self._down_since_s = now_s
        if sent_s >= self._held_until_s:
            self._holds += 1
            self._held_until_s = now_s + HOLD.wait_s(self._holds, answer.retry_after_s)
