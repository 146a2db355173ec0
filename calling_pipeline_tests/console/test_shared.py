"""What many viewers look at is computed once, by one of them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from calling_pipeline.console.shared import Shared
from calling_pipeline_tests.support import LIMIT_S


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Counted:
    """A computation that says how often it was made; it waits until it may end, and fails as long as it shall."""

    def __init__(self):
        self.times = 0
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        self.error = None

    def __call__(self):
        self.times += 1
        self.begun.set()
        assert self.may_end.wait(LIMIT_S)
        if self.error is not None:
            raise self.error
        return self.times


def waiting(pool, shared, compute, viewers):
    """Viewers who all ask while the first one's computation is under way."""
    compute.may_end.clear()
    first = pool.submit(shared.get, "key", 1000, compute)
    assert compute.begun.wait(LIMIT_S)
    asked = threading.Barrier(viewers, timeout=LIMIT_S)

    def ask():
        asked.wait()
        return shared.get("key", 1000, compute)

    return [first, *(pool.submit(ask) for _ in range(viewers - 1))], asked


def test_fifty_viewers_at_once_wait_for_one_computation():
    shared, compute = Shared(), Counted()
    with ThreadPoolExecutor(50) as pool:
        answers, asked = waiting(pool, shared, compute, 50)
        asked.wait()  # every thread is about to ask
        compute.may_end.set()
        assert [one.result(LIMIT_S) for one in answers] == [1] * 50
    assert compute.times == 1


def test_a_value_is_kept_for_its_seconds_and_then_computed_again():
    clock, compute = Clock(), Counted()
    shared = Shared(clock=clock)
    assert shared.get("key", 5, compute) == 1
    clock.now = 4.9
    assert shared.get("key", 5, compute) == 1
    clock.now = 5.0
    assert shared.get("key", 5, compute) == 2


def test_what_one_tenant_sees_is_not_shown_to_another():
    shared = Shared()
    assert shared.get(("pool", 1), 5, lambda: "one") == "one"
    assert shared.get(("pool", 2), 5, lambda: "two") == "two"


def test_a_failure_is_raised_for_all_who_wait_and_not_kept():
    shared, compute = Shared(), Counted()
    compute.error = RuntimeError("the database is away")
    with ThreadPoolExecutor(5) as pool:
        answers, asked = waiting(pool, shared, compute, 5)
        asked.wait()
        compute.may_end.set()
        for one in answers:
            with pytest.raises(RuntimeError):
                one.result(LIMIT_S)
    failed = compute.times
    compute.error = None
    assert shared.get("key", 5, compute) == failed + 1


def test_after_a_change_nobody_is_shown_what_was_computed_before_it():
    shared, before, after = Shared(), Counted(), Counted()
    with ThreadPoolExecutor(1) as pool:
        before.may_end.clear()
        asked_before = pool.submit(shared.get, "key", 1000, before)
        assert before.begun.wait(LIMIT_S)
        shared.clear()
        assert shared.get("key", 1000, lambda: "new") == "new"
        before.may_end.set()
        assert asked_before.result(LIMIT_S) == 1
    assert shared.get("key", 1000, after) == "new"


def test_many_keys_do_not_fill_the_memory():
    shared = Shared(most=10)
    made = []

    def look_at(number):
        shared.get(number, 1000, lambda: made.append(number))

    for number in [*range(100), *range(90, 100)]:
        look_at(number)
    assert made == list(range(100))
    look_at(89)
    assert made[-1] == 89
