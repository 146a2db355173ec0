"""The publishing gate's rules: each holds the day that it exists for, and no honest day."""

import dataclasses
import datetime as dt
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_stats.gate import (
    SEVERITIES,
    GateRules,
    Known,
    Numbers,
    OtherRead,
    Read,
    accepted,
    holds,
    judge,
)
from calling_pipeline.gate_rules import GateRule
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, proof_of

USUAL = Numbers(calls=2000, orders=100, dialled=1900, connected=900)
START, NEXT_DAY = days.day_bounds(YESTERDAY)


def read(track="grade", numbers=USUAL, graded=300, **changes):
    proof = dataclasses.replace(proof_of(track, YESTERDAY, records=numbers.calls), **changes)
    return Read(proof, numbers, graded)


def other(numbers=USUAL, *, apart=dt.timedelta(), until=NEXT_DAY - dt.timedelta(seconds=1)):
    return OtherRead(numbers, NEXT_DAY + apart, until)


def of(calls=2000, orders=100, dialled=None, connected=900):
    return Numbers(calls, orders, calls if dialled is None else dialled, connected)


BAD_DAYS = {
    "unknown_grades": (read(unknown_grades={"九元": 30, "一元": 10}), Known()),
    "missing_fields": (read(missing_fields={"grade": 40}), Known()),
    "outside_day": (read(outside_day=40), Known()),
    "tracks_orders": (read(numbers=of(orders=28)), Known(others=[other(of(orders=49))])),
    "tracks_calls": (read(numbers=of(calls=1000)), Known(others=[other(of(calls=2000))])),
    "calls_dropped": (read(numbers=of(calls=100)), Known(weekdays=[of(), of(calls=1800)])),
    "orders_dropped": (read(numbers=of(orders=0)), Known(weekdays=[of()])),
    "calls_jumped": (read(numbers=of(calls=9000)), Known(weekdays=[of(), of()])),
    "orders_lost": (read(numbers=of(orders=28)), Known(before=of(orders=49))),
    "calls_lost": (read(numbers=of(0, 0, 0, 0)), Known(before=of())),
    "counts_contradict": (read("task", of(orders=950)), Known()),
}
WARNED = {
    "new_fields": (read(new_fields={"aiScore": 2000}), Known()),
    "calls_lost": (read(numbers=of(calls=1000, orders=50)), Known(before=of())),
    "unknown_grades": (read(unknown_grades={"ok": 2}), Known()),
    "missing_fields": (read(missing_fields={"duration": 2000}), Known()),
    "outside_day": (read(outside_day=1), Known()),
    "tracks_orders": (
        read(numbers=of(orders=28)),
        Known(others=[other(of(orders=49), apart=dt.timedelta(hours=5))]),
    ),
    "calls_dropped": (
        read(numbers=of(calls=100), window_end=START + dt.timedelta(hours=12)),
        Known(weekdays=[of(calls=900)]),
    ),
}


def found(case, rules=None):
    given, known = case
    return {reason.rule: reason for reason in judge(given, known, rules or GateRules())}


@pytest.mark.parametrize("rule", BAD_DAYS)
def test_a_rule_holds_the_day_it_exists_for_and_says_its_numbers(rule):
    reason = found(BAD_DAYS[rule])[rule]
    assert reason.severity == "hold"
    assert any(str(number) in reason.sentence for number in reason.numbers.values())


@pytest.mark.parametrize("rule", BAD_DAYS)
def test_the_severity_of_a_rule_is_a_setting(rule):
    assert found(BAD_DAYS[rule], GateRules(severities={rule: "warn"}))[rule].severity == "warn"
    assert rule not in found(BAD_DAYS[rule], GateRules(severities={rule: "off"}))


@pytest.mark.parametrize("rule", WARNED)
def test_what_is_odd_but_small_or_not_comparable_only_warns(rule):
    assert {name: reason.severity for name, reason in found(WARNED[rule]).items()} == {rule: "warn"}


@pytest.mark.parametrize(
    ("limit", "value", "rule"),
    [
        ("unknown_grades_pct", 20, "unknown_grades"),
        ("missing_fields_pct", 3, "missing_fields"),
        ("outside_day_pct", 3, "outside_day"),
        ("tracks_pct", 60, "tracks_orders"),
        ("drop_pct", 99, "calls_dropped"),
        ("jump_factor", 10, "calls_jumped"),
        ("lost_pct", 50, "orders_lost"),
    ],
)
def test_every_limit_is_a_setting(limit, value, rule):
    assert not any(reason.severity == "hold" for reason in judge(*BAD_DAYS[rule], GateRules(**{limit: value})))


def test_every_rule_has_a_severity_and_a_day_that_breaks_it():
    assert set(SEVERITIES) == set(get_args(GateRule)) == BAD_DAYS.keys() | WARNED.keys()


HONEST = {
    "a new installation knows nothing": (read(), Known()),
    "an empty day of a centre that never called": (read(numbers=of(0, 0, 0, 0)), Known()),
    "a small day after small days": (read(numbers=of(3, 0, 3, 1)), Known(weekdays=[of(40, 15, 40, 20)])),
    "a holiday among the weekdays before": (read(), Known(weekdays=[of(0, 0, 0, 0), of()])),
    "a first week that was a holiday": (read(), Known(weekdays=[of(60, 2, 60, 20)])),
    "the other track was read before the day was over": (
        read(numbers=of(orders=200)),
        Known(others=[other(of(orders=20), until=START + dt.timedelta(hours=20))]),
    ),
    "a day that grows": (
        read(numbers=of(), window_end=START + dt.timedelta(hours=15)),
        Known(before=of(600, 20), others=[other(of(600, 20), until=START + dt.timedelta(hours=9))]),
    ),
    "corrections": (read(numbers=of(orders=80)), Known(before=of())),
    "tracks that differ by few": (read(numbers=of(9, 4, 9, 5)), Known(others=[other(of(5, 1, 5, 2))])),
    "the other track's newer read is held and says the same": (
        read(numbers=of(orders=150)),
        Known(others=[other(of(orders=100)), other(of(orders=150))]),
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_day_breaks_no_rule(name):
    assert judge(*HONEST[name], GateRules()) == []


@given(
    calls=st.integers(0, 300_000),
    spread=st.floats(0.6, 1.6),
    share=st.floats(0, 0.3),
    noise=st.floats(0.95, 1.05),
    weeks=st.lists(st.floats(0.6, 1.6), max_size=4),
)
def test_days_that_vary_as_days_do_are_never_held(calls, spread, share, noise, weeks):
    def day(count):
        return Numbers(int(count), int(count * share), int(count * 0.97), int(count * 0.45))

    now = day(calls * spread)
    known = Known(before=day(calls * spread * 0.9), weekdays=[day(calls * week) for week in weeks], others=[
        other(day(calls * spread * noise))])  # fmt: skip
    assert not holds(judge(read(numbers=now), known, GateRules()))


def test_a_decision_is_good_for_reads_that_look_the_same_and_not_for_worse_ones():
    small, large = read(unknown_grades={"ok": 30}), read(unknown_grades={"ok": 90})
    before = [dataclasses.asdict(reason) for reason in judge(small, Known(), GateRules())]
    assert accepted(judge(small, Known(), GateRules()), before)
    assert not accepted(judge(large, Known(), GateRules()), before)
    assert not accepted(judge(*BAD_DAYS["outside_day"], GateRules()), before)
    assert not accepted(judge(small, Known(), GateRules()), [])
