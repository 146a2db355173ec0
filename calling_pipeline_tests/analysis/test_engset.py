"""Engset's formula: against a Markov chain by hand, its bounds and order, and a pool simulated event by event."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.analysis.capacity.engset import (
    Times,
    lines_needed,
    refusal,
    refusals,
    refusals_of_pool,
    refusals_over,
)
from calling_pipeline_tests.analysis.pool_simulation import durations
from calling_pipeline_tests.analysis.pool_simulation import refused as simulated

OFFERED = st.floats(0, 50, allow_nan=False)


def by_hand(sources, lines, offered):
    """Attempts in the full state over all attempts, from the chain's states themselves."""
    weights = [math.comb(sources, taken) * offered**taken for taken in range(min(lines, sources) + 1)]
    attempts = [(sources - taken) * weight for taken, weight in enumerate(weights)]
    full = attempts[lines] if lines < len(attempts) else 0.0
    return full / sum(attempts) if sum(attempts) else 0.0


@given(st.integers(1, 12), st.integers(0, 14), st.floats(0.001, 50))
def test_the_share_is_that_of_the_markov_chain(sources, lines, offered):
    assert refusal(sources, lines, offered) == pytest.approx(by_hand(sources, lines, offered), rel=1e-9, abs=1e-12)


@given(st.integers(0, 300), OFFERED)
def test_a_share_lies_between_0_and_1_and_more_lines_never_refuse_more(sources, offered):
    shares = refusals(sources, offered, 120)
    assert all(0 <= one <= 1 for one in shares)
    assert all(more <= fewer for fewer, more in itertools.pairwise(shares))
    assert all(one == 0 for one in shares[sources + 1 :])


@given(st.integers(1, 60), st.floats(1, 900), st.floats(0, 30), st.floats(1, 900))
def test_the_cool_down_keeps_the_share_in_its_bounds_and_order(sources, busy_s, cool_down_s, pause_s):
    shares = refusals_of_pool(sources, Times(busy_s, cool_down_s, pause_s), sources)
    assert all(0 <= one <= 1 for one in shares)
    assert all(more <= fewer + 1e-9 for fewer, more in itertools.pairwise(shares))
    assert shares[-1] == 0


def test_thousands_of_lines_lose_no_digits():
    assert 0 < refusal(4000, 2000, 1.0) < 0.05
    assert refusals(1000, 10.0, 1000)[-1] == 0


def test_hours_count_by_their_attempts_and_the_lines_needed_are_the_fewest():
    times = Times(180.0, 10.0, 300.0)
    alone = refusals_of_pool(20, times, 20)
    assert refusals_over({20: 7}, times, 20) == pytest.approx(alone)
    mixed = refusals_over({20: 100, 10: 300}, times, 20)
    assert mixed[5] == pytest.approx((alone[5] + 3 * refusals_of_pool(10, times, 5)[-1]) / 4)
    needed = lines_needed(mixed, 0.01)
    assert mixed[needed] <= 0.01 < mixed[needed - 1]
    assert lines_needed([0.5, 0.2], 0.1) is None


@pytest.mark.parametrize(("collectors", "lines", "pause_s"), [(30, 16, 300), (40, 30, 120)])
def test_a_simulated_pool_refuses_as_many(collectors, lines, pause_s):
    """The whole grid is `make bench ONLY=capacity`; here the noise of fewer attempts is allowed for."""
    _, lasts = durations()
    share = simulated(lasts, collectors=collectors, lines=lines, pause_s=pause_s, cool_down_s=10, attempts=60_000, seed=3)
    expected = refusal_of(lasts, collectors, lines, pause_s)
    assert abs(share - expected) < 0.005 + 2 * math.sqrt(share * (1 - share) / 60_000)


def refusal_of(lasts, collectors, lines, pause_s):
    return refusals_of_pool(collectors, Times(statistics.fmean(lasts), 10.0, pause_s), lines)[-1]
