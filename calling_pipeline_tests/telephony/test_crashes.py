"""kill -9 at every step: nothing is called twice, nothing stays held, every call ends in a state that is true."""

import asyncio
import datetime as dt
import signal
import subprocess
import sys

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.reconcile import reconcile_day
from calling_pipeline.telephony.sweep import sweep
from calling_pipeline_tests.support import eventually
from calling_pipeline_tests.telephony.support import broken_rules, callback_body, signed

PATH = "/api/v1/infinity/callback/call-record"


STATES_LEFT = {
    "after-2": "initiating",
    "before-3": "initiating",
    "after-3": "ringing",
    "before-4": "ringing",
    "after-4": "ringing",
}
"""Step at which a call was killed → the state its record was left in; none before the record was committed."""


def killed(office, act, step, *arguments):
    """Run the driver; true when it was killed at its step, false when it finished before."""
    url = office.runtime.database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "calling_pipeline_tests.telephony.crash_driver", url]
    command += [str(office.runtime.settings.home), act, step, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def later(office, act, minutes=30):
    """Run an act of the desk as if it were half an hour later."""

    async def run():
        async with office.runtime.telephony() as desk:
            return await act(desk)

    with days.frozen(days.now() + dt.timedelta(minutes=minutes)):
        return asyncio.run(run())


def held(office):
    return office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'")[0][0]


@pytest.mark.parametrize(
    "step", ["before-1", "after-1", "before-2", "after-2", "before-3", "after-3", "before-4", "after-4"]
)
def test_a_call_killed_at_any_step_is_made_at_most_once_and_its_extension_comes_back(office, infinity, step):
    infinity.behave(answer_rate=0.0)
    office.call(9, "13800000009")  # so that a token is there and the steps are the same each time
    assert killed(office, "call", step)
    made = len(infinity.get("/infinity/_sim/calls")) - 1
    assert broken_rules(office.runtime) == []
    records = office.rows("SELECT state, closed_at FROM communication_records WHERE collector_id = 1")
    state = STATES_LEFT.get(step)
    committed = state is not None
    assert [state for state, _ in records] == ([state] if committed else [])
    assert made == (committed and step != "after-2")
    assert held(office) == 1 + committed
    eventually(lambda: all(call["ended"] for call in infinity.get("/infinity/_sim/calls")))
    assert later(office, sweep).released == 1 + committed
    assert (held(office), broken_rules(office.runtime)) == (0, [])
    later(office, lambda desk: reconcile_day(desk, days.today()))
    states = [state for (state,) in office.rows("SELECT state FROM communication_records WHERE collector_id = 1")]
    if made:
        assert states[0] in ("not_connected", "busy", "cancelled", "failed")
    else:
        assert states == (["unknown"] if committed else [])
    assert len(infinity.get("/infinity/_sim/calls")) == made + 1


def test_a_call_killed_while_infinity_acts_is_learned_from_the_bill(office, infinity):
    infinity.behave(answer_rate=1.0)
    office.call(9, "13800000009")
    infinity.plant("hang", path="/infinity/api", after=True, seconds=30)
    url = office.runtime.database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "calling_pipeline_tests.telephony.crash_driver", url]
    process = subprocess.Popen([*command, str(office.runtime.settings.home), "call", "after-99"])
    eventually(lambda: len(infinity.get("/infinity/_sim/calls")) == 2)
    process.kill()
    process.wait(10)
    infinity.clear_faults()
    assert office.rows("SELECT state FROM communication_records WHERE collector_id = 1") == [("initiating",)]
    eventually(lambda: all(call["ended"] for call in infinity.get("/infinity/_sim/calls")))
    later(office, lambda desk: reconcile_day(desk, days.today()))
    assert office.rows("SELECT state, settled_by FROM communication_records WHERE collector_id = 1") == [
        ("connected", "bill")
    ]
    assert (held(office), broken_rules(office.runtime)) == (0, [])


@pytest.mark.parametrize("step", ["before-1", "after-1", "before-2", "after-2"])
def test_a_callback_killed_at_any_step_counts_once_when_it_comes_again(office, api, step):
    call = office.call(1)
    assert killed(office, "callback", step, call.call_uuid)
    done = step == "after-2"
    assert office.state(call.call_id) == ("connected" if done else "ringing")
    assert held(office) == (0 if done else 1)
    assert broken_rules(office.runtime) == []
    body = callback_body(call.call_uuid)
    outcome = api.post(PATH, content=body, headers=signed(body)).json()["data"]["outcome"]
    assert outcome == ("duplicate" if done else "applied")
    assert (office.state(call.call_id), held(office)) == ("connected", 0)
    assert office.rows("SELECT count(*) FROM call_callbacks") == [(1,)]


@pytest.mark.parametrize(
    "step", ["before-1", "after-1", "before-2", "after-2", "before-3", "after-3", "before-4", "after-4"]
)
def test_a_sweep_killed_at_any_step_is_finished_by_the_next(office, infinity, step):
    call = office.call(1)
    eventually(lambda: all(call["ended"] for call in infinity.get("/infinity/_sim/calls")))
    office.rows("UPDATE communication_records SET deadline = now() - interval '1 second' RETURNING 1")
    assert killed(office, "sweep", step)
    assert broken_rules(office.runtime) == []
    assert held(office) == (0 if step == "after-4" else 1)
    later(office, sweep, minutes=2)
    assert (held(office), office.state(call.call_id)) == (0, "unknown")


def test_an_extension_lent_by_a_process_that_died_before_it_recorded_a_call_comes_back(office, infinity):
    from calling_pipeline.telephony import allocation

    with office.driver() as connection:
        allocation.allocate(connection, 1, 1)
    assert later(office, sweep).released == 1
    assert (held(office), broken_rules(office.runtime)) == (0, [])


def test_the_api_goes_on_after_a_restart_of_the_database_connection(office, api):
    """Every session is ended by the server, as a restart does: callbacks and calls work at once afterwards."""
    call = office.call(1)
    warm = callback_body("warm")
    api.post(PATH, content=warm, headers=signed(warm))
    with office.driver() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    body = callback_body(call.call_uuid)
    assert api.post(PATH, content=body, headers=signed(body)).status_code == 200
    assert office.state(call.call_id) == "connected"
    wish = {"tenant_id": 1, "collector_id": 2, "phone": "13800000002"}
    assert api.post("/api/v1/infinity/make-call", json=wish).status_code == 200
