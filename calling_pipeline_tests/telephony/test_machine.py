"""In any order of acts by operators, collectors, callbacks, sweeps and crashes: one holder each, nothing held without an
open call, nothing leaked."""

import asyncio
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from calling_pipeline import days
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls import opening
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.release import release_collector
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool import allocation, extensions
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Allocation, CallWish
from calling_pipeline.telephony.tenants import collectors
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, wait_until
from calling_pipeline_tests.telephony.support import ANY_HOUR, broken_rules, set_up

COLLECTORS = 5
LINES = 4
LIMIT = 3
RING_TIMEOUT_S = 60


@dataclass(frozen=True)
class Open:
    """The model of an open call."""

    record_id: int
    allocation: Allocation
    started_at: dt.datetime

    def is_due(self, now: dt.datetime) -> bool:
        """Whether the sweep asks about it: it is past its deadline, or begun before the clock was set back."""
        return opening.deadline(self.started_at, RING_TIMEOUT_S) <= now or self.started_at > now + dt.timedelta(minutes=5)


class IdleLine:
    """Infinity, as the sweep sees it: every line is idle."""

    async def line_status(self, extension: str) -> str:
        return "idle"


class Pool(RuleBasedStateMachine):
    """The model: who holds which extension in which open call."""

    runtime: Runtime

    @initialize()
    def empty(self):
        tables = (
            "communication_records, call_callbacks, infinity_bills, infinity_bill_days, extension_pool, infinity_configs"
        )
        with self.runtime.transaction() as connection:
            connection.exec_driver_sql(f"TRUNCATE {tables}, collectors RESTART IDENTITY CASCADE")
        self.now = dt.datetime(2026, 11, 23, 12, tzinfo=days.SHANGHAI)
        days.set_clock(lambda: self.now)
        self.office = set_up(
            self.runtime,
            "http://127.0.0.1:9/api",
            lines=LINES,
            agents_=COLLECTORS,
            ring_timeout_s=RING_TIMEOUT_S,
            cool_down_s=5,
            quarantine_after=2,
            quarantine_s=60,
            max_concurrent_calls=LIMIT,
            contact_rules=ANY_HOUR,
        )
        self.open: dict[int, Open] = {}
        self.phone = 0

    def teardown(self):
        days.set_clock(None)

    def held(self):
        return {call.allocation.extension_id for call in self.open.values()}

    def deps(self):
        client: Any = IdleLine()
        return TelephonyDependencies(
            self.runtime.transaction, self.runtime.secrets, self.runtime.phone_key, lambda _: client
        )

    @rule(collector=st.integers(1, COLLECTORS), strategy=st.sampled_from(["lru", "round_robin", "affinity"]))
    def begin_a_call(self, collector, strategy):
        self.phone += 1
        wish = CallWish(1, collector, f"138{self.phone:08d}", strategy=strategy)
        with self.runtime.transaction() as connection:
            row = tenant_store.config_of_tenant(connection, 1)
        assert row is not None
        if not row.enabled:
            return
        opened = asyncio.run(opening.open_call(self.deps(), wish, row))
        if collector in self.open:
            assert opened.rule == "in_call"
        elif opened.__class__.__name__ == "OpenedCall":
            assert opened.allocation.extension_id not in self.held()
            self.open[collector] = Open(opened.record_id, opened.allocation, self.now)
        else:
            assert opened.rule in ("none_free", "over_limit", "no_collector"), opened
            if opened.rule == "over_limit":
                assert len(self.open) >= LIMIT

    @precondition(lambda self: self.open)
    @rule(data=st.data(), state=st.sampled_from(["connected", "busy", "failed"]))
    def a_callback_ends_a_call(self, data, state):
        collector = data.draw(st.sampled_from(sorted(self.open)))
        record_id = self.open.pop(collector).record_id
        with self.runtime.transaction() as connection:
            call_store.failed(
                connection, record_id, code="x", failure="", verdict=state if state == "failed" else "good", now=self.now
            )

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def an_old_token_is_shown(self, data):
        collector = data.draw(st.sampled_from(sorted(self.open)))
        allocated = self.open[collector].allocation
        stale = Allocation(allocated.extension_id, allocated.number, allocated.fence - 1, allocated.config_id)
        with self.office.driver() as connection:
            assert not allocation.release(connection, stale)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def an_operator_frees_by_force(self, data):
        collector = data.draw(st.sampled_from(sorted(self.open)))
        with self.runtime.transaction() as connection:
            assert len(release_collector(connection, 1, collector, who="test")) == 1
        del self.open[collector]

    @rule()
    def every_call_expires_and_is_swept(self):
        newest = max([self.now, *(call.started_at for call in self.open.values())])
        self.now = newest + dt.timedelta(minutes=10)
        swept = asyncio.run(sweep(self.deps()))
        assert swept.released == len(self.open)
        self.open.clear()

    @rule()
    def what_is_due_is_swept_and_nothing_else(self):
        due = [collector for collector, call in self.open.items() if call.is_due(self.now)]
        swept = asyncio.run(sweep(self.deps()))
        assert swept.released == len(due)
        for collector in due:
            del self.open[collector]

    @rule(seconds=st.integers(-3600, 30))
    def the_clock_moves(self, seconds):
        self.now += dt.timedelta(seconds=seconds)

    @rule(data=st.data(), state=st.sampled_from(["offline", "available"]))
    def an_operator_sets_a_line(self, data, state):
        extension_id = data.draw(st.sampled_from(self.office.extensions))
        with self.runtime.transaction() as connection:
            if pool_store.find(connection, extension_id) is not None:
                extensions.set_state(connection, extension_id, state, reason="", who="test")

    @rule(data=st.data())
    def a_line_is_deleted_if_it_is_not_in_use(self, data):
        extension_id = data.draw(st.sampled_from(self.office.extensions))
        held = extension_id in self.held()
        try:
            with self.runtime.transaction() as connection:
                extensions.delete(connection, extension_id, who="test")
            assert not held
        except CallingError:
            pass

    @rule(numbers=st.lists(st.integers(1000, 1006), max_size=4))
    def lines_are_imported(self, numbers):
        with self.runtime.transaction() as connection:
            extensions.bulk_import(connection, self.office.config_id, [(str(n), "") for n in numbers], who="test")

    @rule(enabled=st.booleans())
    def the_tenant_is_switched(self, enabled):
        self.office.change(enabled=enabled)

    @rule(collector=st.integers(1, COLLECTORS), active=st.booleans())
    def a_collector_is_switched(self, collector, active):
        with self.runtime.transaction() as connection:
            collectors.change(
                connection, self.runtime.secrets, 1, collector, name=None, callback_number=None, active=active, who="test"
            )

    @rule(collector=st.integers(1, COLLECTORS))
    def a_process_dies_before_its_commit(self, collector):
        with self.office.driver() as connection, connection.transaction(force_rollback=True):
            allocation.allocate(connection, 1, collector)

    @invariant()
    def the_pool_is_sound(self):
        if not hasattr(self, "open"):
            return
        assert broken_rules(self.runtime) == []
        held = dict(self.office.rows("SELECT holder, id FROM extension_pool WHERE state = 'in_use'"))
        assert held == {collector: call.allocation.extension_id for collector, call in self.open.items()}
        open_calls = self.office.rows("SELECT id FROM communication_records WHERE closed_at IS NULL ORDER BY id")
        assert [record for (record,) in open_calls] == sorted(call.record_id for call in self.open.values())
        assert len(self.open) <= LIMIT


def test_the_pool_is_sound_after_anything(runtime):
    Pool.runtime = runtime
    run_state_machine_as_test(
        Pool,
        settings=settings(
            max_examples=150 if NIGHTLY else 5,
            stateful_step_count=40 if NIGHTLY else 20,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if NIGHTLY else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("round_", range(5 if NIGHTLY else 1))
def test_imports_statistics_and_sweeps_may_run_against_the_pool_at_once(runtime, infinity, round_):
    """Collectors allocate and release while extensions are imported, switched, counted and swept: no error, no false
    refusal. Everyone goes on until all have done their act often enough."""
    office = set_up(runtime, infinity.url + "/infinity/api", lines=30, agents_=20)
    refusals: list[object] = []
    ready, over = threading.Barrier(11), threading.Event()
    done = [0] * 11

    def repeat(place: int, act) -> None:
        ready.wait(LIMIT_S)
        while not over.is_set():
            act(done[place])
            done[place] += 1

    def allocate_and_release(place: int) -> None:
        with office.driver() as connection:

            def act(_: int) -> None:
                allocated = allocation.allocate(connection, 1, 1 + place)
                if isinstance(allocated, Allocation):
                    assert allocation.release(connection, allocated)
                else:
                    refusals.append(allocated)

            repeat(place, act)

    def disturb(place: int, change) -> None:
        def act(turn: int) -> None:
            with runtime.transaction() as connection:
                change(connection, turn)

        repeat(place, act)

    def sweep_once(_: int) -> None:
        async def act() -> None:
            async with TelephonyDependencies.from_runtime(runtime) as deps:
                await sweep(deps)

        asyncio.run(act())

    changes = [
        lambda c, n: extensions.bulk_import(c, office.config_id, [(str(2000 + n % 50), "")], who="test"),
        lambda c, n: extensions.set_state(c, office.extensions[n % 5], ("offline", "available")[n % 2], reason="", who="t"),
        lambda c, n: pool_store.statistics(c, days.now()),
    ]
    often = 60 if NIGHTLY else 20
    with ThreadPoolExecutor(11) as pool:
        acts = [pool.submit(allocate_and_release, place) for place in range(7)]
        acts += [pool.submit(disturb, 7 + number, change) for number, change in enumerate(changes)]
        acts.append(pool.submit(repeat, 10, sweep_once))
        try:
            wait_until(lambda: min(done) >= often or any(act.done() for act in acts))
        finally:
            over.set()
        for act in acts:
            act.result(LIMIT_S)
    assert refusals == []
    assert office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'") == [(0,)]
