"""What a gateway's answer makes of a claimed call. Pure."""

from __future__ import annotations

import datetime as dt
import random
from typing import assert_never

from calling_pipeline.call_batches.records import CallState, Claimed, LogOutcome, Result
from calling_pipeline.vendors.dial_gateway import PushAnswer

MOST_ATTEMPTS = 8
"""Sends of one call that the gateway did not take, while it takes others, before the call fails."""
MOST_ATTEMPTS_EVER = 40
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0


def result_of(
    call: Claimed, answer: PushAnswer, *, sent_at: dt.datetime, answered_at: dt.datetime, gateway_is_up: bool
) -> Result:
    """The call's next state and its log row. Only a call that was certainly not executed becomes `pending` again."""

    def result(state: CallState, outcome: LogOutcome, not_before: dt.datetime | None = None) -> Result:
        return Result(
            call,
            state,
            outcome,
            answer.resp_code,
            answer.message,
            answer.http_status,
            sent_at,
            answered_at,
            not_before,
        )

    match answer.fate:
        case "done":
            return result("pushed", "pushed")
        case "refused":
            return result("refused", "refused")
        case "rejected":
            return result("failed", "failed")
        case "unknown":
            return result("unknown", "unknown")
        case "not_sent":
            if call.attempt >= (MOST_ATTEMPTS if gateway_is_up else MOST_ATTEMPTS_EVER):
                return result("failed", "failed")
            return result(
                "pending", "not_sent", answered_at + dt.timedelta(seconds=wait_s(call.attempt, answer.retry_after_s))
            )
        case fate:
            assert_never(fate)


def wait_s(attempt: int, asked_s: float | None) -> float:
    """How long until a call may be sent again: what the gateway asked for, else doubling with jitter."""
    if asked_s is not None:
        return min(asked_s, 3600.0)
    return float(min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S) * random.uniform(0.8, 1.2))
