"""A commit whose answer is lost: no click is answered with a call that was not made, and none is made twice."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from calling_pipeline import days
from calling_pipeline.database.retry import LOST
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.calls import making, opening
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import CallWish
from calling_pipeline_tests.support import LIMIT_S, wait_until
from calling_pipeline_tests.telephony.cutting_proxy import cutting_proxy, now_and_then
from calling_pipeline_tests.telephony.support import SECRET_KEY, broken_rules, set_up

CLICKS = 40


@pytest.fixture
def through(tmp_path, monkeypatch):
    """Makes runtimes whose database connections go to that address; a click waits for them as long as a test does."""
    monkeypatch.setattr(opening, "_GIVE_UP_AFTER_S", LIMIT_S)
    monkeypatch.setattr(making, "_PATIENCE_S", LIMIT_S)
    made = []

    def make(url):
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        settings = load(
            home=tmp_path / "home",
            database_url=address,
            secret_key=SECRET_KEY,
            allow_private_urls=True,
            infinity_timeout_s=20.0,
        )
        made.append(Runtime(settings))
        return made[-1]

    yield make
    for runtime in made:
        runtime.close()


def click(runtime, collector, phone):
    """One click as the API makes it; None when the database was lost, which the API answers with 503."""

    async def act():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            return await making.make_call(deps, CallWish(1, collector, phone))

    try:
        return asyncio.run(act())
    except LOST:
        return None


class Cuts:
    """Cuts the commits whose turn has come: (which commit from now on, where)."""

    def __init__(self):
        self.planned = {}
        self.seen = 0
        self.guard = threading.Lock()

    def plan(self, number, where):
        with self.guard:
            self.planned[self.seen + number] = where

    def __call__(self):
        with self.guard:
            self.seen += 1
            return self.planned.pop(self.seen, "not")


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_click_whose_own_commit_was_cut_is_made_once_and_answered_rightly(office, infinity, through, where):
    """The record was there, the call was not: the click was answered 503, and its repeat that the call was under way."""
    cuts = Cuts()
    with cutting_proxy(office.runtime.database_url, cuts) as address:
        runtime = through(address)
        assert click(runtime, 9, "13800000009").kind == "ringing"  # so that the commits are the same each time
        cuts.plan(2, where)  # the first reads the configuration
        answer = click(runtime, 1, "13800000001")
    assert (answer.kind, answer.state) == ("ringing", "ringing")
    assert [call["destnumber"] for call in infinity.get("/infinity/_sim/calls")] == ["13800000009", "13800000001"]
    assert office.rows("SELECT count(*) FROM contact_attempts") == [(2,)]
    assert office.rows("SELECT count(*) FROM communication_records") == [(2,)]
    assert broken_rules(office.runtime) == []


def test_many_clicks_amid_cut_commits_are_each_made_once_or_certainly_not(runtime, infinity, through):
    """Infinity's own list is the judge: a click answered as ringing has its one call, and nobody is called twice."""
    office = set_up(runtime, infinity.url + "/infinity/api", lines=CLICKS, agents_=CLICKS)
    infinity.behave(ring_s=[LIMIT_S, LIMIT_S])
    with cutting_proxy(runtime.database_url, now_and_then(13, 0.2)) as address:
        proxied = through(address)

        def persistent(number):
            """Clicks again whenever the database was lost, as a page does."""
            return wait_until(lambda: click(proxied, number, f"138{number:08d}"))

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(persistent, range(1, CLICKS + 1)))
    called = Counter(call["destnumber"] for call in infinity.get("/infinity/_sim/calls"))
    assert set(called.values()) <= {1}
    for number, answer in enumerate(answers, 1):
        if answer.kind == "ringing":
            assert called[f"138{number:08d}"] == 1
    assert sum(answer.kind == "ringing" for answer in answers) >= CLICKS / 2
    assert broken_rules(office.runtime) == []


def test_a_click_that_broke_off_before_its_call_is_never_said_to_be_under_way(office, infinity):
    """Nobody can know any more whether it was made: its repeat says so once Infinity cannot answer any more."""
    call = office.call(1)
    infinity.forget_calls()
    office.rows("UPDATE communication_records SET state = 'initiating', called_at = NULL, call_uuid = NULL RETURNING 1")
    with days.frozen(days.now() + dt.timedelta(seconds=LIMIT_S + 2)):
        again = office.call(1)
    assert (again.kind, again.call_id) == ("unknown", call.call_id)
    assert "not known" in again.sentence
    assert infinity.get("/infinity/_sim/calls") == []


def test_a_repeated_click_says_that_the_first_one_failed(office):
    """It waits for the click that is making the call, and answers as that one is answered."""
    call = office.call(1)
    office.rows("UPDATE communication_records SET state = 'initiating', called_at = NULL RETURNING 1")
    seen = threading.Semaphore(0)

    @contextmanager
    def counted():
        with office.runtime.transaction() as connection:
            yield connection
        seen.release()

    async def act():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            return await making.make_call(replace(deps, transaction=counted), CallWish(1, 1, "13800000001"))

    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(asyncio.run, act())
        for _ in range(4):  # it has read the configuration, found the open call, and looked twice what became of it
            assert seen.acquire(timeout=LIMIT_S)
        office.rows(
            "UPDATE communication_records SET state = 'failed', settled_at = now(), closed_at = now(),"
            " settled_by = 'make_call', failure = 'no such extension' RETURNING 1"
        )
        answer = again.result(LIMIT_S)
    assert (answer.kind, answer.sentence, answer.call_id) == ("failed", "no such extension", call.call_id)
