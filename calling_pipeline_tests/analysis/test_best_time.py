"""The best time to call in numbers: it learns hours that differ, and switches itself off where they do not."""

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.analysis.best_time.estimating import estimate
from calling_pipeline.analysis.best_time.judging import LEAST_CALLS, PROOF_Z, Stratum, look, look_due, uplift_of
from calling_pipeline.call_batches.calling_tasks.best_time.records import Rates, Slot, best_time_from
from calling_pipeline.call_batches.planning.ordering import EXPLORING, NO_ARM, assign, order, slots_of
from calling_pipeline.contact_policy import hours
from calling_pipeline.contact_policy.records import Hours, Policy
from calling_pipeline.errors import InvalidInput
from calling_pipeline_tests.analysis.best_time_world import play
from calling_pipeline_tests.support import NIGHTLY

SEEDS = range(1, 21 if NIGHTLY else 4)
DAY = dt.date(2026, 11, 23)
SINCE = DAY - dt.timedelta(days=28)


def at(hour, minute=0, day=DAY):
    return dt.datetime.combine(day, dt.time(hour, minute), days.SHANGHAI)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_hours_differ_most_of_what_perfect_knowledge_would_gain_is_gained(seed):
    campaign = play(seed=seed, effect=0.3, length=56)
    assert campaign.off_on is None
    assert campaign.share >= 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_where_no_hour_is_better_it_switches_itself_off_within_28_days(seed):
    assert play(seed=seed, effect=0.0, length=29, calls=600).off_on == 28


@given(
    calls=st.integers(0, 60),
    capacities=st.lists(st.integers(0, 20), min_size=1, max_size=8),
    explore=st.floats(0.05, 0.5),
    seed=st.integers(0, 10**6),
)
def test_every_call_keeps_exactly_one_place_and_the_exploring_share_is_as_set(calls, capacities, explore, seed):
    slots = [Slot(at(8 + number), 3600.0, 1, 8 + number) for number in range(len(capacities))]
    places = order(["浙江"] * calls, slots, capacities, Rates(), explore, seed)
    placed = int((places.slots >= 0).sum())
    assert len(places.slots) == calls
    assert placed == min(calls, sum(capacities))  # nothing is lost: what fits has one hour, the rest is called at once
    assert ((places.slots >= 0) == (places.arms != NO_ARM)).all()
    assert (np.bincount(places.slots[places.slots >= 0], minlength=len(slots)) <= capacities).all()
    assert abs(int((places.arms == EXPLORING).sum()) - explore * placed) <= 1
    again = order(["浙江"] * calls, slots, capacities, Rates(), explore, seed)
    assert (again.slots == places.slots).all()


@given(
    opens=st.integers(0, 11),
    closes=st.integers(12, 23),
    rest=st.integers(9, 18),
    now_minute=st.integers(0, 24 * 60 - 1),
    expires_h=st.one_of(st.none(), st.integers(1, 60)),
)
def test_no_hour_lies_outside_the_policy_or_after_the_expiry(opens, closes, rest, now_minute, expires_h):
    policy = Policy("p", hours=Hours(dt.time(opens), dt.time(closes), ((dt.time(rest), dt.time(rest, 30)),)))
    now = at(0) + dt.timedelta(minutes=now_minute)
    expires_at = None if expires_h is None else now + dt.timedelta(hours=expires_h)
    found = slots_of(policy, now, expires_at)
    for slot in found:
        ends = slot.starts_at + dt.timedelta(seconds=slot.seconds)
        assert now <= slot.starts_at < ends
        assert expires_at is None or ends <= expires_at
        assert hours.refusal(policy, slot.starts_at) is None
        assert hours.refusal(policy, ends - dt.timedelta(seconds=1)) is None
        assert slot.hour == slot.starts_at.astimezone(days.SHANGHAI).hour
    assert [slot.starts_at for slot in found] == sorted({slot.starts_at for slot in found})


def test_without_an_expiry_the_hours_end_with_the_first_open_day():
    assert [slot.hour for slot in slots_of(Policy("p"), at(18, 30), None)] == [18, 19, 20]
    assert {slot.starts_at.date() for slot in slots_of(Policy("p"), at(21, 30), None)} == {DAY + dt.timedelta(days=1)}


def test_those_who_would_lose_most_get_the_hour_that_all_want():
    values = np.asarray([[0.9, 0.1], [0.8, 0.7], [0.9, 0.85]])
    assert assign(values, np.asarray([1, 2])).tolist() == [0, 1, 1]


def test_a_cell_with_few_calls_stays_near_the_whole_and_one_with_many_says_what_it_saw():
    calls, won = np.full((7, 24, 2), 200.0), np.full((7, 24, 2), 60.0)
    won[:, 10, :] = 120.0
    calls[2, 15, 1], won[2, 15, 1] = 3.0, 3.0
    rates = estimate(calls, won).rates
    assert rates[0, 10, 0] == pytest.approx(0.6, abs=0.03)
    assert rates[0, 16, 0] == pytest.approx(0.3, abs=0.02)
    assert rates[2, 15, 1] < 0.35


def test_a_good_province_that_is_mostly_called_at_noon_does_not_make_noon_look_good():
    calls = np.zeros((7, 24, 2))
    calls[:, 12, 0], calls[:, 9, 0], calls[:, 12, 1], calls[:, 9, 1] = 900.0, 100.0, 100.0, 900.0
    won = calls * np.asarray([0.6, 0.3])
    rates = estimate(calls, won).rates
    assert rates[0, 12, 0] == pytest.approx(rates[0, 9, 0], abs=0.03)


def strata(ordered, exploring, *, each=200, count=20):
    return [Stratum(SINCE + dt.timedelta(days=day), 4 * each, round(4 * each * ordered), each, round(each * exploring))
            for day in range(count)]  # fmt: skip


def test_the_uplift_is_within_batches_so_a_good_day_with_few_exploring_calls_does_not_count_for_the_order():
    measured = uplift_of([Stratum(DAY, 900, 450, 100, 50), Stratum(DAY, 100, 10, 900, 90)])
    assert measured.ordered_rate - measured.exploring_rate > 0.2
    assert measured.uplift == pytest.approx(0.0)


def test_the_interval_holds_the_true_uplift_about_95_times_of_100():
    draw, held = np.random.default_rng(5), 0
    for _ in range(400):
        some = [Stratum(DAY, 40, int(draw.binomial(40, 0.35)), 10, int(draw.binomial(10, 0.3))) for _ in range(60)]
        measured = uplift_of(some)
        held += measured.low <= 0.05 <= measured.high
    assert 0.92 <= held / 400 <= 0.98


def test_without_an_effect_it_stays_on_in_less_than_two_of_a_hundred():
    draw, stays = np.random.default_rng(11), 0
    for _ in range(2000):
        some = [
            Stratum(SINCE + dt.timedelta(days=day), 160, int(draw.binomial(160, 0.3)), 40, int(draw.binomial(40, 0.3)))
            for day in range(28)
        ]
        until = None
        for week in (7, 14, 21, 28):
            day = SINCE + dt.timedelta(days=week)
            seen = look([one for one in some if one.day < day], day, SINCE, until)
            until = seen.proven_until
        stays += seen.verdict != "off"
    assert stays / 2000 <= 0.02


def test_a_proof_is_needed_again_every_28_days():
    proven = look(strata(0.4, 0.3), DAY, SINCE, None)
    assert proven.verdict == "proven"
    assert proven.proven_until == DAY + dt.timedelta(days=28)
    later = DAY + dt.timedelta(days=28)
    assert look([], later, SINCE, proven.proven_until).verdict == "off"
    assert look([], later - dt.timedelta(days=7), SINCE, proven.proven_until).verdict == "not yet"


def test_too_few_calls_prove_nothing():
    few = strata(0.9, 0.1, each=1, count=10)
    assert uplift_of(few).z > PROOF_Z
    assert sum(one.exploring for one in few) < LEAST_CALLS
    assert look(few, DAY, SINCE, None).verdict == "off"


def test_looks_are_a_week_apart():
    assert not look_due(SINCE + dt.timedelta(days=6), SINCE, None)
    assert look_due(SINCE + dt.timedelta(days=7), SINCE, None)
    assert not look_due(SINCE + dt.timedelta(days=13), SINCE, SINCE + dt.timedelta(days=7))


def test_nothing_measured_is_no_uplift():
    assert uplift_of([]).uplift is None
    assert uplift_of([Stratum(DAY, 5, 0, 5, 0)]).uplift is None
    assert uplift_of([Stratum(DAY, 1, 1, 1, 0)]).uplift == pytest.approx(1.0)


@pytest.mark.parametrize(
    "wrong", [{"goal": "sold"}, {"explore": 0.01}, {"explore": 0.9}, {"explore": True}, {"share": 0.2}, "connected", 3]
)
def test_a_wish_without_a_goal_we_know_or_without_exploring_is_refused(wrong):
    with pytest.raises(InvalidInput, match="best_time"):
        best_time_from(wrong)


def test_a_batch_explores_with_the_chance_that_is_set():
    explored = sum(
        int((order([""] * 3, [Slot(at(9), 60, 1, 9), Slot(at(10), 60, 1, 10)], [3, 3], Rates(), 0.2, seed).arms == 0).sum())
        for seed in random.Random(1).sample(range(10**6), 500)
    )
    assert 0.16 <= explored / 1500 <= 0.24
