"""A call that the simulated gateway took is a call record of simulated Guanke some minutes later: the loop closes."""

import asyncio
import datetime as dt
from collections import Counter, defaultdict

import pytest

from calling_pipeline import days
from calling_pipeline.simulator.app import create_app
from calling_pipeline.simulator.guanke_days import make_calls
from calling_pipeline.simulator.true_rates import TrueRates
from calling_pipeline.simulator.world import MEMORY, World
from calling_pipeline.vendors.dial_gateway import DialGateway, GatewayAccount, Push
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import Simulator, http

MONDAY = dt.date(2026, 11, 23)
TEN = dt.datetime.combine(MONDAY, dt.time(10), days.SHANGHAI)


def phone(number):
    return f"138{number:08d}"


def push(url, count, first=0):
    async def all_of_them():
        async with DialGateway(f"{url}/gateway", GatewayAccount("a", "k")) as gateway:
            for number in range(first, first + count):
                distinct_id = f"{days.now():%Y%m%d%H%M%S}{number:03d}"
                assert (await gateway.push(Push(distinct_id, phone(number)))).outcome == "done"

    asyncio.run(all_of_them())


def records(url, day=MONDAY):
    token = Simulator(url).get("/guanke/token", username="u", password="p")["data"]["token"]
    window = {"startTime": f"{day} 00:00:00", "endTime": f"{day} 23:59:59", "page": "1", "pageSize": "1000"}
    answer = http.get(f"{url}/guanke/task/cdr/all2", params=window, headers={"Authorization": token}).json()["data"]
    assert answer["totalCount"] == len(answer["data"])
    return answer["data"]


@pytest.fixture
def clock():
    now = [TEN]
    days.set_clock(lambda: now[0])
    yield now
    days.set_clock(None)


def test_pushed_calls_become_records_after_minutes_and_both_tracks_count_them(clock):
    with served(create_app(World(records_per_day=50, pushed_calls=MEMORY))) as url:
        before = Simulator(url).get("/guanke/_sim/truth", date=MONDAY.isoformat())
        push(url, 20)
        assert not [one for one in records(url) if one["taskId"] == 3007]  # a vendor is not that quick
        clock[0] = TEN + dt.timedelta(minutes=8)
        mine = [one for one in records(url) if one["taskId"] == 3007]
        truth = Simulator(url).get("/guanke/_sim/truth", date=MONDAY.isoformat())
    assert {one["realPhone"] for one in mine} == {phone(number) for number in range(20)}
    assert all(TEN.timestamp() < one["callTime"] < TEN.timestamp() + 60 for one in mine)
    assert truth["total_records"] >= before["total_records"] + 20
    assert truth["task_stats"]["success_number"] == truth["total_success"]


def test_pushes_of_a_clock_that_runs_ahead_of_the_simulators_are_seen_too(clock):
    with served(create_app(World(records_per_day=0, pushed_calls=MEMORY))) as url:
        push(url, 5)
        clock[0] = TEN + dt.timedelta(hours=1)
        push(url, 1, first=5)
        clock[0] = TEN - dt.timedelta(days=3)
        assert len(records(url)) == 5


def test_a_simulator_that_starts_again_has_the_same_records(clock, tmp_path):
    world = {"records_per_day": 10, "pushed_calls": tmp_path / "pushed.jsonl"}
    shown = []
    for _ in range(2):
        with served(create_app(World(**world))) as url:
            if not shown:
                push(url, 10)
            clock[0] = TEN + dt.timedelta(minutes=10)
            shown.append(records(url))
    assert shown[0] == shown[1]
    assert sum(one["taskId"] == 3007 for one in shown[0]) == 10


def test_only_the_truth_endpoint_tells_the_hours_and_the_calls_follow_them():
    world = World(seed=3, hour_effect=0.5)
    rates = TrueRates(world)
    with served(create_app(world)) as url:
        said = Simulator(url).get("/guanke/_sim/best_time")["rates"]
    assert len(said) == 7 * 24 * 5
    assert said[0]["connected"] == pytest.approx(rates.connected(0, 0, said[0]["province"]), abs=1e-5)
    seen, expected = Counter[int](), defaultdict[int, float](float)
    for call in make_calls(world, MONDAY, 6000, rates):
        moment = call.fields["callTime"] // (1000 if call.fields["callTime"] > 10**12 else 1)
        hour = dt.datetime.fromtimestamp(moment, days.SHANGHAI).hour
        seen[hour] += call.fields["callState"] == 2
        expected[hour] += rates.connected(0, hour, call.fields["province"])
    for hour, number in expected.items():
        assert abs(seen[hour] - number) < 5 * max(number, 4) ** 0.5, hour


def test_without_an_effect_every_hour_is_as_good_as_every_other():
    rates = TrueRates(World(seed=3))
    assert {rates.connected(day, hour, "浙江") for day in range(7) for hour in range(24)} == {0.45}
