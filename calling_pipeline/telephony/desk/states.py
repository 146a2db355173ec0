"""What a desk's line is doing and when its round goes on: pure functions of what is stored and heard."""

from __future__ import annotations

import datetime as dt

from calling_pipeline.telephony.desk.records import Desk, DeskCall, DeskState, Line

POOL_RULES = frozenset({"none_free", "over_limit", "busy", "in_call"})
"""Refusals that say nothing about the case: the round tries it again a little later."""
POOL_PAUSE_S = 15
INTENT_LASTS = dt.timedelta(seconds=120)
"""An intent without an answer for so long belongs to a process that has ended."""


def state_of(desk: Desk, call: DeskCall | None, *, talking: bool | None = None) -> DeskState:
    """The desk at this instant. `talking`: what Infinity says of the line, None when it was not asked or did not say."""
    if call is None:
        begins = desk.resumed_at if desk.batch == "running" else None
        return DeskState(desk, None, "free", True, False, begins)
    line, over = _line(call, talking)
    waits = over and call.noted_at is None and call.state == "connected"
    next_at = None
    if desk.batch == "running" and over and not waits:
        next_at = _next_at(desk, call)
    return DeskState(desk, call, line, over, waits, next_at)


def orphaned(call: DeskCall, now: dt.datetime) -> bool:
    """Whether the process that pressed the button has ended without keeping the answer."""
    return call.outcome is None and now - call.intended_at > INTENT_LASTS


def _line(call: DeskCall, talking: bool | None) -> tuple[Line, bool]:
    if call.outcome is None:
        return "starting", False
    if call.outcome in ("refused", "failed"):
        return call.outcome, True
    over = call.closed_at is not None
    if call.state in (None, "unknown"):
        return "unknown", over
    if over:
        return "ended", True
    if call.state == "initiating":
        return "starting", False
    return "talking" if talking else "ringing", False


def _next_at(desk: Desk, call: DeskCall) -> dt.datetime:
    """After the call's end, or its result, or the order to go on, whichever was last."""
    ended = call.closed_at or call.answered_at or call.intended_at
    last = max(instant for instant in (ended, call.noted_at, desk.resumed_at) if instant is not None)
    if desk.resumed_at == last:
        return last  # a person has just said so
    pause_s = POOL_PAUSE_S if call.outcome == "refused" and call.rule in POOL_RULES else desk.pause_s
    return last + dt.timedelta(seconds=pause_s)
