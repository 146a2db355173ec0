"""The rules as pure decisions: which one refuses, and until when."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.contact_policy import hours, rules
from calling_pipeline.contact_policy.presets import CARRIER, CONSIDERATE, LIST_ONLY, policy_from
from calling_pipeline.contact_policy.records import Facts
from calling_pipeline.errors import InvalidInput


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=days.SHANGHAI)


@pytest.mark.parametrize(
    ("instant", "allowed", "opens"),
    [
        ("2026-11-23 07:59:59", False, "2026-11-23 08:00:00"),
        ("2026-11-23 08:00:00", True, None),
        ("2026-11-23 20:59:59", True, None),
        ("2026-11-23 21:00:00", False, "2026-11-24 08:00:00"),
    ],
)
def test_the_carriers_hours_open_at_eight_and_close_at_nine_in_the_evening(instant, allowed, opens):
    verdict = rules.judge(CARRIER, Facts(), at(instant))
    assert verdict.allowed == allowed
    assert verdict.rule == (None if allowed else "hours")
    assert verdict.not_before == (at(opens) if opens else None)


def test_hours_are_shanghai_hours_for_an_instant_of_any_zone():
    noon_in_shanghai = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
    assert rules.judge(CARRIER, Facts(), noon_in_shanghai).allowed


def test_a_break_refuses_until_it_ends():
    verdict = rules.judge(CONSIDERATE, Facts(), at("2026-11-23 12:30:00"))
    assert (verdict.rule, verdict.not_before) == ("hours", at("2026-11-23 14:00:00"))


def test_a_holiday_moves_to_the_next_ordinary_working_day():
    policy = policy_from({"weekdays": [1, 2, 3, 4, 5], "holidays": ["2026-11-23"]})
    verdict = rules.judge(policy, Facts(), at("2026-11-23 10:00:00"))
    assert (verdict.rule, verdict.not_before) == ("holiday", at("2026-11-24 08:00:00"))
    friday_night = rules.judge(policy, Facts(), at("2026-11-20 22:00:00"))
    assert friday_night.not_before == at("2026-11-24 08:00:00")


def test_three_in_five_minutes_refuse_the_fourth_until_the_first_is_five_minutes_old():
    now = at("2026-11-23 10:00:00")
    recent = tuple(now - dt.timedelta(seconds=s) for s in (10, 100, 299))
    verdict = rules.judge(CARRIER, Facts(recent=recent), now)
    assert (verdict.rule, verdict.not_before) == ("rolling_cap", now + dt.timedelta(seconds=1))
    assert rules.judge(CARRIER, Facts(recent=recent), now + dt.timedelta(seconds=1)).allowed


def test_not_before_is_when_the_last_refusing_rule_ends_within_the_hours():
    now = at("2026-11-23 20:59:00")
    recent = tuple(now - dt.timedelta(seconds=s) for s in (10, 20, 30))
    assert rules.judge(CARRIER, Facts(recent=recent), now).not_before == at("2026-11-24 08:00:00")


def test_a_calendar_cap_ends_with_its_period():
    policy = policy_from({"preset": "list_only", "calendar": [[1, "day"], [2, "week"], [3, "month"]]})
    now = at("2026-11-25 10:00:00")
    yesterday = now - dt.timedelta(days=1)
    assert rules.judge(policy, Facts(recent=(yesterday,)), now).allowed
    assert rules.judge(policy, Facts(recent=(now,)), now).not_before == at("2026-11-26 00:00:00")
    assert rules.judge(policy, Facts(recent=(yesterday, yesterday)), now).not_before == at("2026-11-30 00:00:00")
    month = rules.judge(policy, Facts(recent=(at("2026-11-03 10:00"),) * 3), now)
    assert (month.rule, month.not_before) == ("calendar_cap", at("2026-12-01 00:00:00"))


def test_a_pair_is_not_connected_twice_within_a_second():
    now = at("2026-11-23 10:00:00")
    verdict = rules.judge(CARRIER, Facts(pair_last=now - dt.timedelta(milliseconds=400)), now)
    assert (verdict.rule, verdict.not_before) == ("pair_gap", now + dt.timedelta(milliseconds=600))


def test_the_do_not_call_list_comes_first_and_a_permanent_entry_has_no_not_before():
    now = at("2026-11-23 22:00:00")
    permanent = rules.judge(CARRIER, Facts(blocked=True, blocked_by="complaint"), now)
    assert (permanent.rule, permanent.not_before) == ("do_not_call", None)
    assert "complaint" in permanent.reason
    until = rules.judge(CARRIER, Facts(blocked=True, blocked_until=at("2026-12-01 00:00")), now)
    assert until.not_before == at("2026-12-01 08:00")
    assert not rules.judge(LIST_ONLY, Facts(blocked=True), now).allowed


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"preset": "generous"}, "policy.preset"),
        ({"preset": ["carrier"]}, "policy.preset"),
        ({"hours": "9-20"}, "policy.hours"),
        ({"hours": "20:00-09:00"}, "policy.hours"),
        ({"hours": 9}, "policy.hours"),
        ({"breaks": ["14:00-12:00"]}, "policy.breaks"),
        ({"weekdays": [0]}, "policy.weekdays"),
        ({"weekdays": "weekend"}, "policy.weekdays"),
        ({"rolling": [[5, "day"]]}, "policy.rolling"),
        ({"rolling": [[-1, "5m"]]}, "policy.rolling"),
        ({"rolling": 5}, "policy.rolling"),
        ({"calendar": [[2, "year"]]}, "policy.calendar"),
        ({"closed_on_holidays": "yes"}, "policy.closed_on_holidays"),
        ({"holidays": ["1 October"]}, "policy.holidays"),
        ({"pair_gap_s": 100_000}, "policy.pair_gap_s"),
        ({"colour": "red"}, "policy.colour"),
    ],
)
def test_a_wrong_policy_document_names_its_key(document, field):
    with pytest.raises(InvalidInput) as caught:
        policy_from(document)
    assert caught.value.field == field


_instants = st.integers(0, 364 * 86400).map(lambda s: at("2026-01-01 00:00:00") + dt.timedelta(seconds=s))
_policies = st.sampled_from(
    [
        CARRIER,
        CONSIDERATE,
        policy_from({"weekdays": [1, 3], "breaks": ["12:00-13:00"], "minimum_gap_s": 7200, "holidays": ["2026-05-06"]}),
        policy_from({"hours": "00:00-24:00", "rolling": [[2, "7d"]], "calendar": [[3, "month"]]}),
    ]
)


@given(_policies, _instants, st.lists(st.integers(0, 40 * 86400), max_size=8))
def test_what_is_refused_now_is_allowed_at_not_before_and_not_a_moment_earlier(policy, now, ages):
    facts = Facts(recent=tuple(sorted((now - dt.timedelta(seconds=age) for age in ages), reverse=True)))
    verdict = rules.judge(policy, facts, now)
    if verdict.allowed:
        return
    assert verdict.not_before is not None
    assert verdict.not_before > now
    assert rules.judge(policy, facts, verdict.not_before).allowed
    assert not rules.judge(policy, facts, verdict.not_before - dt.timedelta(microseconds=1)).allowed


@given(_policies, _instants)
def test_next_open_agrees_with_the_refusal(policy, now):
    opened = hours.next_open(policy, now)
    assert opened is not None
    assert (opened == now) == (hours.refusal(policy, now) is None)
    assert hours.refusal(policy, opened) is None
