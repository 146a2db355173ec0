"""What may be called, and how often: countries, kinds of numbers, calls within an hour and a day."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.calls.making import make_call
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring import alerting
from calling_pipeline.telephony.records import CallWish
from calling_pipeline_tests.telephony.support import broken_rules, set_up

V1 = "/api/v1/infinity"


@pytest.mark.parametrize(
    ("phone", "rule"),
    [
        ("13800000001", None),
        ("020-88886666", None),
        ("+8821612345678", "country"),
        ("+881612345678", "country"),
        ("+19005551234", "country"),
        ("+449098790000", "country"),
        ("+5353123456", "country"),
        ("+252612345678", "country"),
        ("+85291234567", "country"),
        ("4008001234", "number_kind"),
        ("8008101234", "number_kind"),
    ],
)
def test_only_mobiles_and_land_lines_of_china_are_called_unless_a_tenant_allows_more(api, office, infinity, phone, rule):
    """A collector could call satellites, premium numbers and any country."""
    answer = api.post(f"{V1}/make-call", json={"tenant_id": 1, "collector_id": 1, "phone": phone})
    if rule is None:
        assert answer.status_code == 200, answer.text
    elif answer.status_code != 422:  # 422: no such number can exist
        assert (answer.status_code, answer.json()["rule"]) == (409, f"contact_policy:{rule}")
    assert len(infinity.get("/infinity/_sim/calls")) == (rule is None)
    assert office.rows("SELECT count(*) FROM contact_attempts") == [(int(rule is None),)]


def test_a_tenant_may_allow_a_country_without_its_premium_numbers(office, infinity):
    office.change(contact_rules={"preset": "list_only", "countries": ["CN", "HK", "US"]})
    assert office.call(1, "+85291234567").kind == "ringing"
    assert office.call(2, "+19005551234").rule == "contact_policy:number_kind"
    office.change(contact_rules={"preset": "list_only", "countries": None, "number_kinds": None})
    assert office.call(3, "+19005551234").kind == "ringing"


@pytest.mark.parametrize("rules", [{"countries": "CN"}, {"countries": ["China"]}, {"number_kinds": ["mobiles"]}])
def test_rules_about_numbers_that_cannot_be_read_are_refused(api, office, rules):
    answer = api.patch(f"{V1}/configs/{office.config_id}", json={"contact_rules": rules})
    assert (answer.status_code, answer.json()["field"]) == (422, f"policy.{next(iter(rules))}")


@pytest.mark.parametrize(
    ("limit", "by_others"),
    [
        ("calls_per_hour", True),
        ("calls_per_day", True),
        ("collector_calls_per_hour", False),
        ("collector_calls_per_day", False),
    ],
)
def test_calls_beyond_a_limit_are_refused_until_the_first_are_old_enough(office, infinity, limit, by_others):
    office.change(**{limit: 2})
    span = dt.timedelta(hours=1) if limit.endswith("hour") else dt.timedelta(days=1)
    start = days.now()

    def click(at, collector, phone):
        with days.frozen(start + at):
            outcome = office.call(collector, phone)
            office.rows("UPDATE communication_records SET closed_at = now(), state = 'unknown' RETURNING 1")
            office.rows("UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL RETURNING 1")
        return outcome.rule

    assert [click(dt.timedelta(minutes=n), 1, f"1380000000{n}") for n in range(3)] == ["", "", limit]
    assert click(dt.timedelta(minutes=4), 2, "13800000009") == (limit if by_others else "")
    assert click(span - dt.timedelta(seconds=1), 1, "13800000005") == limit
    assert click(span + dt.timedelta(seconds=1), 1, "13800000005") == ""


def test_a_call_that_was_not_made_does_not_count_towards_a_limit(office, infinity):
    office.change(calls_per_hour=1)
    infinity.plant("refuse", path="MakeCall", code="1032")
    assert office.call(1).kind == "failed"
    assert office.call(1).kind == "ringing"
    assert office.call(2, "13800000002").rule == "calls_per_hour"


def test_a_limit_is_exact_when_everybody_clicks_at_once(runtime, infinity):
    office = set_up(runtime, infinity.url + "/infinity/api", lines=16, agents_=16, calls_per_hour=5)

    async def clicks():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            wishes = [CallWish(1, number, f"138{number:08d}") for number in range(1, 17)]
            return await asyncio.gather(*(make_call(deps, wish) for wish in wishes))

    outcomes = asyncio.run(clicks())
    assert Counter(outcome.rule for outcome in outcomes) == {"": 5, "calls_per_hour": 11}
    assert len(infinity.get("/infinity/_sim/calls")) == 5
    assert broken_rules(office.runtime) == []


def test_a_limit_that_is_reached_is_alerted_once(office):
    office.change(collector_calls_per_day=1)
    assert office.call(1).kind == "ringing"
    office.rows("UPDATE communication_records SET closed_at = now(), state = 'unknown' RETURNING 1")
    office.rows("UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL RETURNING 1")
    for _ in range(3):
        assert office.call(1, "13800000002").rule == "collector_calls_per_day"
        with office.runtime.transaction() as connection:
            alerting.judge(connection)
    ((number, text),) = office.rows("SELECT count(*), max(text) FROM alerts WHERE title LIKE '%%limit of calls%%'", x=0)
    assert number == 1
    assert "a collector's limit of 1 calls within 24 hours is reached" in text


def test_zero_takes_a_limit_away(api, office):
    one = f"{V1}/configs/{office.config_id}"
    assert api.patch(one, json={"calls_per_day": 5}).json()["data"]["calls_per_day"] == 5
    assert api.patch(one, json={"name": "other"}).json()["data"]["calls_per_day"] == 5
    assert api.patch(one, json={"calls_per_day": 0}).json()["data"]["calls_per_day"] is None


def test_a_tenant_with_a_large_id_calls(runtime, infinity):
    """Every click was answered 503, try again shortly."""
    office = set_up(runtime, infinity.url + "/infinity/api", tenant_id=2**63 - 1)
    assert office.call(1).kind == "ringing"
    assert office.rows("SELECT tenant_id FROM contact_attempts") == [(2**63 - 1,)]


def test_a_refused_click_takes_no_turn_of_the_caller_numbers(office, infinity):
    """One click in ten got a call, and the numbers ran on with the nine."""
    office.change(caller_numbers=[f"05718888000{n}" for n in range(5)])
    for collector in range(1, 4):
        office.call(collector, f"1380000000{collector}")
        office.call(collector, "13800000009")
        office.call(99, "13800000008")
    shown = [call["disnumber"] for call in infinity.get("/infinity/_sim/calls")]
    assert shown == ["057188880000", "057188880001", "057188880002"]


def test_clicks_at_once_show_each_caller_number_once_and_the_gate_judges_the_one_that_is_shown(runtime, infinity):
    numbers = [f"0571888800{n:02d}" for n in range(16)]
    office = set_up(runtime, infinity.url + "/infinity/api", lines=16, agents_=16, caller_numbers=numbers)

    async def clicks():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            wishes = [CallWish(1, number, f"138{number:08d}") for number in range(1, 17)]
            return await asyncio.gather(*(make_call(deps, wish) for wish in wishes))

    assert {outcome.kind for outcome in asyncio.run(clicks())} == {"ringing"}
    assert sorted(call["disnumber"] for call in infinity.get("/infinity/_sim/calls")) == numbers
    judged = office.rows("SELECT phone, caller FROM contact_attempts")
    assert sorted(judged) == sorted((call["destnumber"], call["disnumber"]) for call in infinity.get("/infinity/_sim/calls"))
