"""How long to wait before an attempt is repeated, with the figures of every room."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.at_most_once.backoff import Backoff

_seconds = st.floats(0.001, 1e4)
_asked = st.none() | st.floats(-10, 1e6)


@st.composite
def backoffs(draw) -> Backoff:
    low, high = sorted((draw(st.floats(0.1, 3)), draw(st.floats(0.1, 3))))
    longest_asked_s = draw(st.just(math.inf) | st.floats(1, 1e5))
    return Backoff(draw(_seconds), draw(_seconds), (low, high), longest_asked_s, draw(st.booleans()))


@given(backoffs(), st.integers(-5, 10**6))
def test_a_computed_wait_is_within_the_jitter_of_the_longest_wait(backoff, attempt):
    low, high = backoff.jitter
    wait_s = backoff.wait_s(attempt)
    assert min(backoff.first_s, backoff.longest_s) * low * 0.999 <= wait_s <= backoff.longest_s * high * 1.001


@given(_seconds, _seconds, st.integers(1, 200))
def test_without_jitter_every_wait_is_twice_the_last_until_the_longest(first_s, longest_s, attempt):
    backoff = Backoff(first_s, longest_s)
    assert backoff.wait_s(1) == min(first_s, longest_s)
    assert backoff.wait_s(attempt + 1) == min(backoff.wait_s(attempt) * 2, longest_s)


@given(backoffs(), st.integers(1, 50), st.floats(0, 1e6))
def test_what_the_vendor_asks_for_is_never_undercut_up_to_the_longest_that_counts(backoff, attempt, asked_s):
    wait_s, counted_s = backoff.wait_s(attempt, asked_s), min(asked_s, backoff.longest_asked_s)
    assert wait_s >= counted_s
    if not backoff.asked_is_minimum:
        assert wait_s == counted_s


@given(backoffs(), st.integers(1, 50), _asked)
def test_no_wait_is_negative_or_endless(backoff, attempt, asked_s):
    assert 0 <= backoff.wait_s(attempt, asked_s) < math.inf


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (Backoff(first_s=0.5, longest_s=60.0), [0.5, 1, 2, 4, 8, 16, 32, 60, 60]),  # a call
        (Backoff(first_s=0.1, longest_s=30.0), [0.1, 0.2, 0.4, 0.8]),  # a gateway that takes nothing
        (Backoff(first_s=1.0, longest_s=900.0), [1, 2, 4, 8]),  # a message
        (Backoff(first_s=30.0, longest_s=3600.0), [30, 60, 120, 240]),  # an alert
    ],
)
def test_the_figures_of_the_rooms_make_these_waits(backoff, waits):
    assert [backoff.wait_s(attempt) for attempt in range(1, len(waits) + 1)] == pytest.approx(waits)
