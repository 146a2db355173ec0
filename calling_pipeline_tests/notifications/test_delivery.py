"""What is written down about an attempt, as a pure decision, and a delivery that is stopped."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.notifications.contracts.store import OUTBOX
from calling_pipeline.notifications.outbox.delivery import GIVE_UP_AFTER, Dispatcher, result_of
from calling_pipeline.notifications.outbox.records import ClaimedMessage
from calling_pipeline.vendors.wecom import SendResult
from calling_pipeline_tests.notifications.world import states

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)

LANES = "INSERT INTO notification_lanes SELECT 'robot:' || n, '{}' FROM generate_series(1, 9) AS n"
MESSAGES = """
    INSERT INTO contract_messages (
        kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history, created_at)
    SELECT 'send_wecom_message', 'robot:' || n % 9 + 1, 'x', 0, jsonb_build_object('contract_id', n::text), 'pending',
        0, 0, now(), '[]', now()
    FROM generate_series(1, 90) AS n
"""


def tried(attempts=1, failures=0):
    return ClaimedMessage(1, "robot:x", "text", attempts, failures)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("done", "delivered"), ("unknown", "unknown"), ("refused", "dead"), ("retry", "pending")],
)
def test_each_outcome_has_its_state(outcome, state):
    assert result_of(tried(), SendResult(outcome), NOW).state == state


def test_what_was_certainly_not_sent_is_given_up_after_its_last_try():
    assert result_of(tried(GIVE_UP_AFTER - 1, GIVE_UP_AFTER - 2), SendResult("retry"), NOW).state == "pending"
    last = result_of(tried(GIVE_UP_AFTER, GIVE_UP_AFTER - 1), SendResult("retry", "no connection"), NOW)
    assert (last.state, last.reason) == ("dead", f"given up after {GIVE_UP_AFTER} attempts: no connection")


def test_a_rate_limit_never_makes_a_dead_letter():
    result = result_of(tried(100, GIVE_UP_AFTER - 1), SendResult("retry", rate_limited=True), NOW)
    assert (result.state, result.failed) == ("pending", False)
    assert result.due_at - NOW <= dt.timedelta(minutes=1)


def test_the_back_off_doubles_with_jitter_and_honours_what_the_vendor_asks():
    for attempts in range(1, 12):
        pause = (result_of(tried(attempts), SendResult("retry"), NOW).due_at - NOW).total_seconds()
        assert 0.5 * min(900, 2 ** (attempts - 1)) <= pause <= min(900, 2 ** (attempts - 1))
    assert (result_of(tried(), SendResult("retry", retry_after_s=77), NOW).due_at - NOW).total_seconds() == 77


def test_a_delivery_that_is_stopped_finishes_what_is_in_flight(engine):
    with engine.begin() as connection:
        connection.execute(sa.text(LANES))
        connection.execute(sa.text(MESSAGES))
    sent = []

    async def stopped():
        begun, stopping = asyncio.Event(), asyncio.Event()

        async def send(receiver, body):
            begun.set()
            await stopping.wait()
            sent.append(receiver)
            return SendResult("done")

        run = asyncio.create_task(Dispatcher(driver_dsn(engine.url), OUTBOX, send, width=4, rate=0).run())
        await begun.wait()
        run.cancel()
        stopping.set()
        await asyncio.gather(run, return_exceptions=True)

    asyncio.run(stopped())
    assert states(engine) == {"delivered": len(sent), "pending": 90 - len(sent)}
    assert len(sent) == 4
