"""Samples for review, weighted means with intervals, and the agreement of reviewers."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from collections import Counter

import pytest

from calling_pipeline import days
from calling_pipeline.analysis.call_quality.agreement import alpha
from calling_pipeline.analysis.call_quality.estimating import Stratum, estimate
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.registry import Question
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.telephony.reviews.notes.noting import note_quality
from calling_pipeline.telephony.reviews.samples import sampling, store
from calling_pipeline.telephony.reviews.samples.records import Wish

KRIPPENDORFF = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1],
    [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip
"""The example of Krippendorff (2011): four observers, twelve units, values missing."""


def wish(**changes):
    last = days.today() - dt.timedelta(days=1)
    return Wish(**{"tenant_id": 1, "first": last - dt.timedelta(days=5), "last": last, "per_collector": 6, **changes})


def asked(connection, tenant=1, **options):
    last = days.today()
    return ANALYSES["call_quality"].compute(
        connection, Question(last - dt.timedelta(days=8), last, tenant_id=tenant, options=options)
    )


def test_the_agreement_is_that_of_the_published_example():
    assert alpha(KRIPPENDORFF) == pytest.approx(0.815, abs=0.0005)
    assert alpha([[1, 1], [5, 5], [3, 3]]) == 1
    assert alpha([[1, 5], [5, 1]]) < 0
    assert alpha([[3], [4]]) is None
    assert alpha([[3, 3], [3, 3]]) is None
    assert alpha([[1, 2], [2, 1], [5, 5]]) > alpha([[1, 5], [5, 1], [2, 2]])


def test_the_weighted_mean_is_unbiased_and_its_interval_holds_where_the_plain_mean_is_wrong():
    pick = random.Random(7)
    centre = [
        [min(5, max(1, round(pick.gauss(middle, 1)))) for _ in range(size)] for size, middle in ((400, 2), (40, 4), (15, 5))
    ]
    truth = statistics.fmean(score for calls in centre for score in calls)
    means, plain, held = [], [], 0
    for _ in range(1500):
        drawn = [pick.sample(calls, 8) for calls in centre]
        found = estimate([Stratum(len(calls), scores) for calls, scores in zip(centre, drawn, strict=True)])
        means.append(found.mean)
        plain.append(statistics.fmean(score for scores in drawn for score in scores))
        held += found.low <= truth <= found.high
    error = statistics.stdev(means) / len(means) ** 0.5
    assert abs(statistics.fmean(means) - truth) < 3 * error
    assert abs(statistics.fmean(plain) - truth) > 1
    assert 0.92 < held / 1500 < 0.98


def test_a_mean_of_every_call_has_no_width_and_one_score_no_interval():
    assert estimate([Stratum(3, [1, 2, 3])]) == estimate([Stratum(3, [3.0, 2.0, 1.0])])
    assert (estimate([Stratum(3, [1, 2, 3])]).low, estimate([Stratum(9, [4])]).low) == (2, None)
    assert estimate([Stratum(9, [])]) is None


def test_a_sample_is_drawn_once_with_its_probability_and_again_the_same(connection, week):
    drawn = sampling.draw_sample(connection, wish(second_pct=50), who="test")
    calls = store.calls(connection, drawn.id)
    there_are = Counter(
        one.row["collector_id"]
        for one in week
        if one.row["tenant_id"] == 1 and one.row["state"] == "connected" and wish().first <= one.day <= wish().last
    )
    assert Counter(one.collector_id for one in calls) == {who: min(6, number) for who, number in there_are.items()}
    assert all(one.population == there_are[one.collector_id] for one in calls)
    assert all(one.probability == pytest.approx(min(6, one.population) / one.population) for one in calls)
    assert Counter(one.collector_id for one in calls if one.second) == Counter(dict.fromkeys(there_are, 3))
    assert sampling.draw_sample(connection, wish(second_pct=50), who="another") == drawn
    ids = {one.record_id for one in calls}
    larger = sampling.draw_sample(connection, wish(per_collector=8), who="test")
    other = sampling.draw_sample(connection, wish(seed=2), who="test")
    assert ids < {one.record_id for one in store.calls(connection, larger.id)}
    assert ids != {one.record_id for one in store.calls(connection, other.id)}


def test_every_call_is_drawn_as_often_as_its_probability_says(connection, week):
    """Over many seeds, not over one: the order of the digests favours no call."""
    seen, of = Counter(), {}
    for seed in range(60):
        for one in store.calls(connection, sampling.draw_sample(connection, wish(seed=seed), who="test").id):
            seen[one.record_id] += 1
            of[one.record_id] = one.probability
    off = [seen[call] / 60 - probability for call, probability in of.items()]
    assert abs(statistics.fmean(off)) < 0.02
    assert max(map(abs, off)) < 4.5 * 0.5 / 60**0.5


def test_what_cannot_be_drawn_is_said(connection, week):
    for wrong in (
        {"last": days.today()},
        {"first": days.today()},
        {"per_collector": 0},
        {"second_pct": 101},
        {"seed": -1},
        {"tenant_id": 9},
        {"first": days.today() - dt.timedelta(days=200)},
    ):
        with pytest.raises(InvalidInput):
            sampling.draw_sample(connection, wish(**wrong), who="test")
    with pytest.raises(NotFound):
        sampling.find(connection, 12345)


def test_scores_of_a_sample_become_means_with_intervals_and_agreement(connection, week):
    sample = sampling.draw_sample(connection, wish(second_pct=50), who="test")
    scores = {}
    for place, one in enumerate(store.calls(connection, sample.id)):
        scores.setdefault(one.collector_id, []).append(1 + place % 5)
        note_quality(connection, one.record_id, 1, score=5 - place % 5, remark="", who="first")
        note_quality(connection, one.record_id, 1, score=1 + place % 5, remark="", who="first")  # thought better of it
        if one.second:
            note_quality(connection, one.record_id, 1, score=1 + place % 5, remark="", who="second")
    found = asked(connection)
    rows = {row["collector_id"]: row for row in found.tables[0].documents}
    assert {who: row["score"] for who, row in rows.items()} == {
        who: pytest.approx(statistics.fmean(given), abs=0.006) for who, given in scores.items()
    }
    assert all(row["score_low"] <= row["score"] <= row["score_high"] for row in rows.values())
    figures = {one.name: one.value for one in found.figures}
    assert (figures["agreement"], figures["agreement_calls"], figures["reviewed"]) == (1, 12, 24)
    assert (sampling.find(connection, sample.id).seconds, sampling.find(connection, sample.id).seconds_reviewed) == (12, 12)
    with pytest.raises(NotFound):
        asked(connection, tenant=2, sample=str(sample.id))
    assert all(row["score"] is None for row in asked(connection, tenant=2).tables[0].documents)


@pytest.mark.parametrize("short", ["5", "10", "20", "30"])
def test_short_and_dropped_calls_are_those_of_a_plain_count(connection, week, short):
    connected = Counter(one.row["collector_id"] for one in week if _is(one, "connected"))
    wanted = Counter(one.row["collector_id"] for one in week if _is(one, "connected") and one.row["duration_s"] < int(short))
    dropped = Counter(
        one.row["collector_id"]
        for one in week
        if _is(one, "not_connected", "cancelled") and one.row["settled_by"] == "callback" and one.busy_s < 30
    )
    rows = {row["collector_id"]: row for row in asked(connection, short=short).tables[0].documents}
    assert {who: (row["connected"], row["short"], row["dropped"]) for who, row in rows.items()} == {
        who: (connected[who], wanted[who], dropped[who]) for who in rows
    }


def _is(one, *states):
    return one.row["tenant_id"] == 1 and one.row["state"] in states
