"""Pauses a batch of which the gateway takes nothing: the same refusal, failure or unknown outcome again and again. Pure.

Until the gateway has taken a call, and again while it takes none, few calls are in flight: a wrong account costs as many
calls as the rule counts, not as many as are sent within one answer. Instants are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from calling_pipeline.call_batches.records import BreakerRule
from calling_pipeline.vendors.dial_gateway import PushAnswer, settings_to_look_at

FEW = 4
"""Calls in flight while nothing shows that the gateway takes calls."""
SUSPICIOUS = 3
"""So many calls without an acceptance between them, and few are in flight again."""


@dataclass(frozen=True)
class _Ending:
    """How a call ended that was not accepted. Unknown outcomes are all alike, whatever made them unknown."""

    kind: str
    code: str = ""


class Breaker:
    """What the answers since the last accepted call say about the gateway."""

    def __init__(self, rule: BreakerRule) -> None:
        self.tripped: str | None = None
        """Why a person has to act before more is sent, None as long as nobody has to."""
        self._rule = rule
        self._proven = False
        self._endings: deque[_Ending] = deque(maxlen=rule.window)
        self._in_a_row = 0
        self._began_s = 0.0

    @property
    def most_in_flight(self) -> int | None:
        """How many calls may be in flight, None without a limit: no more than the rule still needs to trip."""
        if self._proven and len(self._endings) < SUSPICIOUS:
            return None
        left = min(self._rule.in_a_row - self._in_a_row, self._rule.window - len(self._endings))
        return max(1, min(FEW, left))

    def heed(self, answer: PushAnswer, *, sent_s: float, now_s: float) -> None:
        """Learn from one answer. A request that was not taken for the moment says nothing: the brake waits for it.

        What was in flight together when a gateway that took calls began to fail counts as one.
        """
        if answer.outcome == "retry":
            return
        if answer.outcome == "done":
            self._proven, self._in_a_row = True, 0
            self._endings.clear()
            return
        if not self._endings:
            self._began_s = now_s
        elif self._proven and sent_s < self._began_s:
            return
        ending = _ending_of(answer)
        self._in_a_row = self._in_a_row + 1 if self._endings and self._endings[-1] == ending else 1
        self._endings.append(ending)
        self._judge(ending, answer)

    def _judge(self, ending: _Ending, answer: PushAnswer) -> None:
        rule, alike = self._rule, Counter(self._endings)[ending]
        if self._in_a_row >= rule.in_a_row:
            self.tripped = f"{_said(ending, self._in_a_row, 'in a row', answer)} and none was accepted"
        elif len(self._endings) == rule.window and alike * 100 >= rule.share_pct * rule.window:
            self.tripped = f"{_said(ending, alike, f'of the last {rule.window}', answer)} and none of them was accepted"
        if self.tripped is not None:
            self.tripped += f"; look at {settings_to_look_at(answer)}"


def _ending_of(answer: PushAnswer) -> _Ending:
    if answer.outcome == "unknown":
        return _Ending("unknown")
    if answer.not_executed:
        return _Ending("failed", str(answer.http_status or ""))
    return _Ending("refused", answer.resp_code)


def _said(ending: _Ending, count: int, which: str, answer: PushAnswer) -> str:
    words = f": {answer.message}" if answer.message else ""
    match ending.kind:
        case "unknown":
            return f"the gateway left the outcome of {count} calls {which} unknown{words}"
        case "failed":
            return f"the gateway refused {count} requests {which}{words}"
        case _:
            return f"the gateway refused {count} calls {which} with code {ending.code}{words}"
