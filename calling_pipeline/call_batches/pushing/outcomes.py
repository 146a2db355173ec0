"""What a gateway's answer makes of a claimed call. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Literal, assert_never

from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.call_batches.calls.records import About, Claimed, LogOutcome, Result
from calling_pipeline.call_batches.records import CallState
from calling_pipeline.vendors.dial_gateway import PushAnswer

MOST_ATTEMPTS = 8
"""Sends of one call that the gateway did not take, while it takes others, before the call fails."""
MOST_ATTEMPTS_EVER = 40
BACKOFF = Backoff(first_s=0.5, longest_s=60.0, jitter=(0.8, 1.2), longest_asked_s=3600.0)


def result_of(
    call: Claimed, answer: PushAnswer, *, sent_at: dt.datetime, answered_at: dt.datetime, gateway_is_up: bool
) -> Result:
    """The call's next state and its log row. Only a call that was certainly not executed becomes `pending` again."""

    def result(
        state: CallState, outcome: LogOutcome, not_before: dt.datetime | None = None, about: About | None = None
    ) -> Result:
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
            about,
        )

    match answer.outcome:
        case "done":
            return result("pushed", "pushed")
        case "refused":
            about: About = "account" if answer.about_account else "person"
            kind: Literal["failed", "refused"] = "failed" if answer.not_executed else "refused"
            return result(kind, kind, about=about)
        case "unknown":
            return result("unknown", "unknown")
        case "retry":
            if call.attempt >= (MOST_ATTEMPTS if gateway_is_up else MOST_ATTEMPTS_EVER):
                return result("failed", "failed")
            wait_s = BACKOFF.wait_s(call.attempt, answer.retry_after_s)
            return result("pending", "not_sent", answered_at + dt.timedelta(seconds=wait_s))
        case outcome:
            assert_never(outcome)
