"""kill -9 at every step: nothing is called twice, nothing stays held, every call ends in a state that is true."""

import asyncio
import datetime as dt
import itertools
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.engine import business_url, make_engine
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.billing.reconcile import reconcile_day
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool import allocation
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, WAITING, restart_server, start_process, stop_server, wait_until
from calling_pipeline_tests.telephony.support import (
    CALLBACK_SECRET,
    SECRET_KEY,
    TOKENS,
    broken_rules,
    callback_body,
    set_up,
    signed,
)

PATH = "/api/v1/infinity/callback/call-record"


STATES_LEFT = {
    "after-2": "initiating",
    "before-3": "initiating",
    "after-3": "ringing",
    "before-4": "ringing",
    "after-4": "ringing",
}
"""Step at which a call was killed → the state its record was left in; none before the record was committed."""


def driver(office, act, step, *arguments):
    """The driver, started; it ends with the test."""
    url = office.runtime.database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "calling_pipeline_tests.telephony.crash_driver", url]
    command += [str(office.runtime.settings.home), act, step, *arguments]
    return start_process(command, stderr=subprocess.PIPE, text=True)


def killed(office, act, step, *arguments):
    """Run the driver; true when it was killed at its step, false when it finished before."""
    process = driver(office, act, step, *arguments)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode != 0


def all_ended(infinity):
    return all(call["ended"] for call in infinity.get("/infinity/_sim/calls"))


LATER = dt.timedelta(minutes=30)


def later(office, act, after=LATER):
    """Run an act of telephony as if it were that much later."""

    async def run():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            return await act(deps)

    with days.frozen(days.now() + after):
        return asyncio.run(run())


async def reconcile(deps):
    """The bill of every day that the test has seen; near midnight these are two."""
    for day in sorted({(days.now() - LATER).date(), days.today()}):
        await reconcile_day(deps, day)


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
    wait_until(lambda: all_ended(infinity))
    assert later(office, sweep).released == 1 + committed
    assert (held(office), broken_rules(office.runtime)) == (0, [])
    later(office, reconcile)
    states = [state for (state,) in office.rows("SELECT state FROM communication_records WHERE collector_id = 1")]
    if made:
        assert states[0] in ("not_connected", "busy", "cancelled", "failed")
    else:
        assert states == (["unknown"] if committed else [])
    assert len(infinity.get("/infinity/_sim/calls")) == made + 1


def test_a_call_killed_while_infinity_acts_is_learned_from_the_bill(office, infinity):
    infinity.behave(answer_rate=1.0)
    office.call(9, "13800000009")
    infinity.plant("hang", path="/infinity/api", after=True, seconds=2 * LIMIT_S)
    process = driver(office, "call", "after-99")
    wait_until(lambda: len(infinity.get("/infinity/_sim/calls")) == 2)
    process.kill()
    process.wait(LIMIT_S)
    infinity.clear_faults()
    assert office.rows("SELECT state FROM communication_records WHERE collector_id = 1") == [("initiating",)]
    wait_until(lambda: all_ended(infinity))
    later(office, reconcile)
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
    wait_until(lambda: all_ended(infinity))
    office.rows("UPDATE communication_records SET deadline = now() - interval '1 second' RETURNING 1")
    assert killed(office, "sweep", step)
    assert broken_rules(office.runtime) == []
    assert held(office) == (0 if step == "after-4" else 1)
    later(office, sweep, dt.timedelta(minutes=2))
    assert (held(office), office.state(call.call_id)) == (0, "unknown")


def test_an_extension_allocated_by_a_process_that_died_before_it_recorded_a_call_comes_back(office, infinity):
    with office.driver() as connection:
        allocation.allocate(connection, 1, 1)
    assert later(office, sweep).released == 1
    assert (held(office), broken_rules(office.runtime)) == (0, [])


def test_the_api_goes_on_after_a_restart_of_the_database_connection(office, api):
    """Every session is ended by the server, as a restart does: callbacks and calls work at once afterwards."""
    call = office.call(1)
    warm = callback_body("warm")
    with ThreadPoolExecutor(8) as pool, office.driver() as holder:  # the API has as many connections as it answers at once
        with holder.transaction():
            holder.execute("LOCK TABLE call_callbacks IN ACCESS EXCLUSIVE MODE")
            sent = [pool.submit(api.post, PATH, content=warm, headers=signed(warm)) for _ in range(8)]
            wait_until(lambda: office.rows(WAITING)[0][0] >= 8)
        assert {one.result(LIMIT_S).status_code for one in sent} == {200}
    with office.driver() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    body = callback_body(call.call_uuid)
    assert api.post(PATH, content=body, headers=signed(body)).status_code == 200
    assert office.state(call.call_id) == "connected"
    wish = {"tenant_id": 1, "collector_id": 2, "phone": "13800000002"}
    assert api.post("/api/v1/infinity/make-call", json=wish).status_code == 200


@pytest.fixture
def own_server(tmp_path):
    """A PostgreSQL of this test's own, because it restarts it."""
    server = embedded.start(tmp_path / "postgres")
    try:
        yield server
    finally:
        stop_server(server)


@pytest.fixture
def restarted_office(tmp_path, infinity, own_server):
    """An office on the server that restarts, and the address of its API."""
    url = business_url(own_server.get_uri())
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    runtime = Runtime(
        load(home=tmp_path / "home", database_url=address, secret_key=SECRET_KEY, allow_private_urls=True, api_tokens=TOKENS)
    )
    try:
        office = set_up(runtime, infinity.url + "/infinity/api", lines=20, agents_=20)
        with served(create_app(runtime)) as api_url:
            infinity.behave(
                ring_s=[0.0, 0.05],
                talk_s=[0.0, 0.05],
                callback_url=api_url + PATH,
                callback_secret=CALLBACK_SECRET,
                callback_delay_s=[0.0, 0.2],
            )
            yield office, api_url
    finally:
        runtime.close()


def call_amid_restarts(infinity, server, api_url):
    """Eight collectors call one number after the other while the server restarts, three times at least and until a call
    met a restart; the numbers called, each with the answer's status."""
    answers: list[tuple[str, int]] = []
    over = threading.Event()

    def collector(number: int) -> None:
        with httpx.Client(base_url=api_url, timeout=LIMIT_S, headers={"Authorization": "Bearer admin-token"}) as client:
            for turn in itertools.count():
                if over.is_set():
                    return
                phone = f"138{number:04d}{turn:04d}"
                wish = {"tenant_id": 1, "collector_id": number, "phone": phone}
                answers.append((phone, client.post("/api/v1/infinity/make-call", json=wish).status_code))

    def thirty_more_calls() -> None:
        least = len(infinity.get("/infinity/_sim/calls")) + 30
        wait_until(lambda: len(infinity.get("/infinity/_sim/calls")) >= least)

    with ThreadPoolExecutor(8) as pool:
        collectors = [pool.submit(collector, number) for number in range(1, 9)]
        try:
            for restarts in range(1, 21):
                thirty_more_calls()
                restart_server(server)
                if restarts >= 3 and any(status == 503 for _, status in answers):
                    break
            thirty_more_calls()
        finally:
            over.set()
        for done in collectors:
            done.result(LIMIT_S)
    return answers


def test_a_restart_of_postgresql_amid_calls_and_callbacks_loses_none_and_calls_nobody_twice(
    own_server, restarted_office, infinity
):
    """Infinity's own list is the judge: a click answered with a call has one call, every call has its record, and all of
    them end in a state that is true."""
    office, api_url = restarted_office
    answers = call_amid_restarts(infinity, own_server, api_url)
    assert {status for _, status in answers} <= {200, 409, 503}, Counter(status for _, status in answers)
    assert any(status == 503 for _, status in answers), "no call met a restart"
    wait_until(lambda: all_ended(infinity))
    later(office, sweep)
    later(office, reconcile)
    calls = infinity.get("/infinity/_sim/calls")
    known = dict(office.rows("SELECT reference, state FROM communication_records"))
    assert {call["customuuid"] for call in calls} <= set(known)
    assert len({call["customuuid"] for call in calls}) == len(calls)
    assert infinity.get("/infinity/_sim/counts")["overlapping"] == 0
    truth = {call["customuuid"]: call["connected"] for call in calls}
    assert {(truth[reference], state == "connected") for reference, state in known.items() if reference in truth} <= {
        (True, True),
        (False, False),
    }
    assert {known[reference] for reference in truth}.isdisjoint({"initiating", "ringing", "unknown"})
    assert len(calls) >= sum(status == 200 for _, status in answers)
    assert (held(office), broken_rules(office.runtime)) == (0, [])
