"""Allocating extensions: one holder each, the strategy's order, a reason for every refusal, under real concurrency."""

import datetime as dt
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.pool import allocation, extensions
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Allocation, Refusal
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, WAITING, wait_until
from calling_pipeline_tests.telephony.order import allocate_and_release, rank_errors
from calling_pipeline_tests.telephony.support import set_up

NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture
def small(runtime):
    """Four lines, four collectors, no rest after a call."""
    return set_up(runtime, NOWHERE, lines=4, agents_=8)


def allocate(office, collector, **options):
    with office.driver() as connection:
        return allocation.allocate(connection, office.tenant_id, collector, **options)


def release(office, allocated, verdict="good"):
    with office.driver() as connection:
        return allocation.release(connection, allocated, verdict)


def test_least_recently_used_is_allocated_first(small):
    first = [allocate(small, collector) for collector in (1, 2, 3, 4)]
    assert [allocated.extension_id for allocated in first] == list(small.extensions)
    for place in (2, 0, 3, 1):
        release(small, first[place])
    again = [allocate(small, collector).extension_id for collector in (1, 2, 3, 4)]
    assert again == [small.extensions[place] for place in (2, 0, 3, 1)]


def test_round_robin_takes_turns_and_its_cursor_survives_a_restart(small):
    small.change(strategy="round_robin")
    turns = []
    for _ in range(6):
        allocated = allocate(small, 1)  # a new connection each time: nothing is kept in a process
        turns.append(allocated.extension_id)
        release(small, allocated)
    assert turns == [*small.extensions, *small.extensions[:2]]


def test_round_robin_passes_over_what_is_in_use_and_goes_on_after_it(small):
    small.change(strategy="round_robin")
    allocate(small, 1)
    second = allocate(small, 2)
    release(small, second)
    assert allocate(small, 3).extension_id == small.extensions[2]


def test_affinity_gives_a_collector_the_last_extension_if_free_else_the_least_recently_used(small):
    small.change(strategy="affinity")
    mine = allocate(small, 1)
    other = allocate(small, 2)
    release(small, other)
    release(small, mine)
    assert allocate(small, 1).extension_id == mine.extension_id
    assert allocate(small, 2).extension_id == other.extension_id
    release(small, allocate(small, 2))
    taken = allocate(small, 3, strategy="lru")
    assert taken.extension_id == small.extensions[2]


def test_a_collector_who_holds_one_gets_the_same(small):
    first, again = allocate(small, 1), allocate(small, 1)
    assert again == Allocation(first.extension_id, first.number, first.fence, first.config_id, repeated=True)


def test_an_old_token_releases_nothing(small):
    first = allocate(small, 1)
    assert release(small, first)
    assert not release(small, first)
    second = allocate(small, 2, strategy="affinity")
    while second.extension_id != first.extension_id:
        second = allocate(small, second.extension_id + 2, strategy="lru")
    assert not release(small, first)
    assert release(small, second)


def test_every_refusal_says_why(small, runtime):
    assert allocate(small, 77).reason == "no_collector"
    small.rows("UPDATE collectors SET active = FALSE WHERE id = 6 RETURNING id")
    assert allocate(small, 6).reason == "no_collector"
    with small.driver() as connection:
        assert allocation.allocate(connection, 5, 1).reason == "no_config"
    for collector in (1, 2, 3, 4):
        allocate(small, collector)
    refusal = allocate(small, 5)
    assert refusal == Refusal("none_free", total=4, in_use=4)
    assert str(refusal) == "no extension is free (4 in use, 0 cooling down, 0 offline of 4)"
    small.change(max_concurrent_calls=2)
    assert allocate(small, 5).reason == "over_limit"
    small.change(enabled=False)
    assert allocate(small, 5).reason == "no_config"


def test_an_extension_rests_after_a_call(small):
    small.change(cool_down_s=60)
    release(small, allocate(small, 1))
    now = days.now()
    with days.frozen(now):
        for collector in (2, 3, 4):
            assert isinstance(allocate(small, collector), Allocation)
        assert allocate(small, 5) == Refusal("none_free", total=4, in_use=3, cooling_down=1)
    with days.frozen(now + dt.timedelta(seconds=61)):
        assert isinstance(allocate(small, 5), Allocation)


def test_allocation_and_statistics_agree_on_what_is_ready_when_the_cool_down_is_shortened(small, runtime):
    small.change(cool_down_s=3600)
    for allocated in [allocate(small, collector) for collector in (1, 2, 3, 4)]:
        release(small, allocated)

    def statistics():
        with runtime.transaction() as connection:
            (pool,) = pool_store.statistics(connection, days.now())
        return pool.available, pool.cooling_down

    assert statistics() == (0, 4)
    assert allocate(small, 1) == Refusal("none_free", total=4, cooling_down=4)
    small.change(cool_down_s=5)
    assert statistics() == (4, 0)
    assert isinstance(allocate(small, 1), Allocation)
    assert statistics() == (3, 0)


def test_the_rule_what_is_ready_becomes_part_of_the_statement_that_asks(small):
    with small.driver() as connection:
        plan = connection.execute(
            "EXPLAIN (VERBOSE) SELECT id FROM extension_pool AS p WHERE extension_is_ready(p.ready_at, now(), '5 s')"
        ).fetchall()
    assert "extension_is_ready" not in str(plan)
    assert "p.ready_at" in str(plan)


def test_a_clock_set_back_does_not_keep_extensions_resting(small):
    small.change(cool_down_s=60)
    now = days.now()
    with days.frozen(now + dt.timedelta(hours=5)):
        for allocated in [allocate(small, collector) for collector in (1, 2, 3, 4)]:
            release(small, allocated)
    with days.frozen(now):
        assert isinstance(allocate(small, 1), Allocation)


def test_an_extension_taken_offline_in_use_finishes_its_call_first(small, runtime):
    allocated = allocate(small, 1)
    with runtime.transaction() as connection:
        after = extensions.set_state(connection, allocated.extension_id, "offline", reason="repair", who="test")
    assert (after.state, after.draining) == ("in_use", True)
    release(small, allocated)
    assert small.rows("SELECT state, offline_reason FROM extension_pool WHERE id = %(id)s", id=allocated.extension_id) == [
        ("offline", "repair")
    ]


def test_failures_in_a_row_quarantine_and_a_success_forgets_them(small):
    small.change(quarantine_after=2)
    for collector in (2, 3, 4):
        allocate(small, collector)
    for verdict in ("failed", "good", "failed"):
        release(small, allocate(small, 1), verdict)
    assert small.rows("SELECT state, failures FROM extension_pool WHERE id = %(id)s", id=small.extensions[3]) == [
        ("available", 1)
    ]
    release(small, allocate(small, 1), "failed")
    assert allocate(small, 1) == Refusal("none_free", total=4, in_use=3, offline=1)


@pytest.mark.parametrize("verdict", ["good", "none"])
def test_the_fast_release_changes_what_the_full_one_changes(small, verdict):
    small.change(cool_down_s=60)
    with small.driver() as connection:
        connection.execute("UPDATE extension_pool SET failures = 2")
    now = days.now()
    values = {"verdict": verdict, "now": now + dt.timedelta(seconds=5)}
    after = []
    for statement in (pool_store._RELEASE, pool_store._RELEASE_HEALTHY):
        with small.driver() as connection:
            with days.frozen(now):
                allocated = allocation.allocate(connection, 1, 1)
            released = statement.one(
                connection, {**values, "extension_id": allocated.extension_id, "fence": allocated.fence}
            )
            assert released == (allocated.extension_id, "available")
        (row,) = small.rows("SELECT to_jsonb(e) FROM extension_pool AS e WHERE id = %(id)s", id=allocated.extension_id)
        (values_now,) = row
        kept = {name: values_now[name] for name in values_now if name not in ("id", "number", "fence", "released_turn")}
        assert values_now["released_turn"] > allocated.fence
        after.append(kept)
    assert after[0] == after[1]


@pytest.mark.parametrize("strategy", ["lru", "round_robin", "affinity"])
def test_a_hundred_collectors_share_a_hundred_extensions_without_a_double_holder_or_a_false_refusal(runtime, strategy):
    office = set_up(runtime, NOWHERE, lines=100, agents_=100, strategy=strategy)
    holders: dict[int, int] = {}
    faults: list[str] = []
    guard = threading.Lock()
    seconds = 10 if NIGHTLY else 1.5
    ready = threading.Barrier(16)

    def work(worker: int) -> int:
        done = 0
        with office.driver() as connection:
            ready.wait(LIMIT_S)
            stop = time.monotonic() + seconds
            while time.monotonic() < stop or (done < 20 and not faults):
                for collector in range(worker + 1, 101, 16):
                    allocated = allocation.allocate(connection, 1, collector)
                    if not isinstance(allocated, Allocation):
                        faults.append(f"false refusal: {allocated}")
                        continue
                    with guard:
                        if holders.setdefault(allocated.extension_id, collector) != collector:
                            faults.append(f"extension {allocated.extension_id} allocated twice")
                    with guard:
                        holders.pop(allocated.extension_id, None)
                    if not allocation.release(connection, allocated):
                        faults.append("a release with the newest token changed nothing")
                    done += 1
        return done

    with ThreadPoolExecutor(16) as pool:
        total = sum(pool.map(work, range(16)))
    assert faults == []
    assert total > 100


def test_one_collector_asking_many_times_at_once_holds_one_extension(runtime):
    office = set_up(runtime, NOWHERE, lines=20, agents_=1)
    for _ in range(20 if NIGHTLY else 5):
        ready = threading.Barrier(12)

        def ask(_: int, ready: threading.Barrier = ready) -> Allocation | Refusal:
            with office.driver() as connection:
                connection.execute("SELECT 1")
                ready.wait(LIMIT_S)
                return allocation.allocate(connection, 1, 1)

        with ThreadPoolExecutor(12) as pool:
            allocations = list(pool.map(ask, range(12)))
        assert len({(allocated.extension_id, allocated.fence) for allocated in allocations}) == 1
        assert office.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'") == [(1,)]
        release(office, allocations[0])


def test_an_allocation_that_waited_for_another_of_the_same_collector_gets_the_same_extension(small):
    with small.driver() as first, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            allocated = allocation.allocate(first, 1, 1)
            second = pool.submit(allocate, small, 1)
            wait_until(lambda: small.rows(WAITING)[0][0])
        again = second.result(LIMIT_S)
    assert (again.extension_id, again.fence, again.repeated) == (allocated.extension_id, allocated.fence, True)
    assert small.rows("SELECT count(*) FROM extension_pool WHERE state = 'in_use'") == [(1,)]


def test_the_tenants_limit_is_exact_under_concurrency(runtime):
    office = set_up(runtime, NOWHERE, lines=40, agents_=40, max_concurrent_calls=7)
    for _ in range(10 if NIGHTLY else 3):
        ready = threading.Barrier(40)

        def ask(collector: int, ready: threading.Barrier = ready) -> Allocation | Refusal:
            with office.driver() as connection:
                connection.execute("SELECT 1")
                ready.wait(LIMIT_S)
                return allocation.allocate(connection, 1, collector)

        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(ask, range(1, 41)))
        allocations = [answer for answer in answers if isinstance(answer, Allocation)]
        reasons = Counter(answer.reason for answer in answers if isinstance(answer, Refusal))
        assert (len(allocations), reasons) == (7, {"over_limit": 33})
        for allocated in allocations:
            release(office, allocated)


def test_free_extensions_locked_by_others_this_instant_are_waited_for_and_then_called_busy(small, monkeypatch):
    """Its time goes on only while it pauses: so the first waits to the end, and the second until its tenth pause."""
    pauses: list[float] = []
    with small.driver() as locker:

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == free_in:
                locker.execute("COMMIT")

        monkeypatch.setattr(allocation, "time", SimpleNamespace(monotonic=lambda: sum(pauses), sleep=pause))
        free_in = 0
        with locker.transaction():
            locker.execute("SELECT 1 FROM extension_pool FOR UPDATE")
            refusal = allocate(small, 1)
        assert (refusal.reason, refusal.free) == ("busy", 4)
        assert allocation.PATIENCE_S <= sum(pauses) < allocation.PATIENCE_S + 0.01
        pauses, free_in = [], 10
        locker.execute("BEGIN")
        locker.execute("SELECT 1 FROM extension_pool FOR UPDATE")
        assert isinstance(allocate(small, 1), Allocation)
        assert len(pauses) == free_in


@pytest.mark.parametrize("strategy", ["lru", "round_robin"])
def test_the_order_is_right_to_within_one_rank_under_concurrency(runtime, strategy):
    """Sixteen sessions allocate and release. Nothing that was free all through an allocation, and earlier in line than what
    was allocated, may have been passed over, but for one rank. Without waiting for its disk (as the tests' server is set) a
    session that waits for a core keeps its line locked all the while, so some more are passed over here than there are
    on a server that keeps its promises: the benchmark has those."""
    office = set_up(runtime, NOWHERE, lines=100, agents_=16, strategy=strategy)
    order = rank_errors(allocate_and_release(office, seconds=10 if NIGHTLY else 1.5), office.extensions, strategy)
    assert order.total() > 200
    assert (order[0] + order[1]) / order.total() >= 0.9, order


def test_allocation_reads_one_tenants_lines_by_index(runtime):
    office = set_up(runtime, NOWHERE, lines=100, agents_=1)
    for tenant in range(2, 12):
        set_up(runtime, NOWHERE, tenant_id=tenant, lines=300, agents_=1)
    with runtime.transaction() as connection:  # the session that made them: what it has read is counted before
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")

    def whole_reads() -> int:
        (row,) = office.rows("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'extension_pool'")
        return row[0]

    before = whole_reads()
    with office.driver() as connection:
        assert isinstance(allocation.allocate(connection, 1, 1), Allocation)
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert whole_reads() == before
    with office.driver() as connection:
        connection.execute("SELECT count(holder) FROM extension_pool")  # to see that a whole read is counted
        connection.execute("SELECT pg_stat_force_next_flush()")
    assert whole_reads() > before
