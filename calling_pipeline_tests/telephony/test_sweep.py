"""What ends a call late must not undo what ended it before, and one sweep alone asks about a call."""

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool import allocation
from calling_pipeline_tests.support import LIMIT_S, WAITING, wait_until
from calling_pipeline_tests.telephony.support import broken_rules, callback_body, signed

CALLBACK = "/api/v1/infinity/callback/call-record"
LATER = dt.timedelta(minutes=30)


def fail(office, call_id):
    """What a failed MakeCall records, as of now."""
    with office.runtime.transaction() as connection:
        return call_store.failed(connection, call_id, code="1012", failure="late", verdict="failed", now=days.now())


def test_a_failure_that_comes_late_does_not_overwrite_a_settled_call(office, api):
    call = office.call(1)
    body = callback_body(call.call_uuid)
    assert api.post(CALLBACK, content=body, headers=signed(body)).json()["data"]["outcome"] == "applied"
    assert fail(office, call.call_id) is False
    assert office.rows("SELECT state, settled_by, failure, failure_code FROM communication_records") == [
        ("connected", "callback", None, None)
    ]
    assert office.rows("SELECT max(failures) FROM extension_pool") == [(0,)]


@pytest.mark.parametrize("state", ["ringing", "unknown"])
def test_a_failure_that_comes_late_leaves_a_call_that_may_be_under_way(office, infinity, state):
    call = office.call(9, "13800000009")
    if state == "unknown":
        infinity.plant("reset", path="/infinity/api", after=True)
        call = office.call(1)
    assert office.state(call.call_id) == state
    held = office.rows("SELECT id, holder, fence FROM extension_pool WHERE state = 'in_use' ORDER BY id")
    assert fail(office, call.call_id) is False
    assert office.state(call.call_id) == state
    assert office.rows("SELECT id, holder, fence FROM extension_pool WHERE state = 'in_use' ORDER BY id") == held
    assert broken_rules(office.runtime) == []


@pytest.mark.parametrize("with_record", [True, False], ids=["call", "extension without a call"])
def test_of_two_sweeps_that_found_the_same_call_one_claims_it(office, with_record):
    """The second waits for the first one's row, and sees the deadline that the first moved on."""
    if with_record:
        office.call(1)
    else:
        with office.driver() as connection:
            allocation.allocate(connection, 1, 1)
    now = days.now() + LATER
    with office.runtime.transaction() as connection:
        (found,) = call_store.stale(connection, now, 10)
    assert (found.record_id is not None) == with_record

    def claim() -> bool:
        with office.runtime.transaction() as connection:
            return call_store.claim_stale(connection, found, now + dt.timedelta(seconds=60))

    with ThreadPoolExecutor(1) as pool:
        with office.runtime.transaction() as connection:
            assert call_store.claim_stale(connection, found, now + dt.timedelta(seconds=60))
            second = pool.submit(claim)
            wait_until(lambda: office.rows(WAITING)[0][0])
        assert second.result(LIMIT_S) is False
    assert claim() is False


def test_sweeps_at_the_same_time_ask_about_each_call_once(office):
    asked = []

    class Talking:
        """Infinity, as the sweep sees it: every extension is in a call."""

        async def line_status(self, extension: str) -> str:
            asked.append(extension)
            return "talking"

    for number in range(1, 6):
        office.call(number, f"1380000000{number}")
    runtime = office.runtime
    client: Any = Talking()
    deps = TelephonyDependencies(runtime.transaction, runtime.secrets, runtime.phone_key, lambda _: client)

    async def together():
        return await asyncio.gather(*(sweep(deps) for _ in range(4)))

    with days.frozen(days.now() + LATER):
        swept = asyncio.run(together())
    assert sorted(asked) == sorted(set(asked))
    assert len(asked) == sum(one.asked for one in swept) == sum(one.still_in_call for one in swept) == 5
