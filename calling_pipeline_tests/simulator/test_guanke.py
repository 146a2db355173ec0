"""The simulated Guanke speaks the contract: what its client may rely on, and what it must bear."""

import datetime as dt
import itertools

import pytest

from calling_pipeline import days
from calling_pipeline.simulator.guanke_days import GRADES, make_calls, truth
from calling_pipeline.simulator.world import World
from calling_pipeline_tests.support import http

DAY = days.today() - dt.timedelta(days=1)


@pytest.fixture
def ask(simulator):
    token = simulator.get("/guanke/token", username="u", password="p")["data"]["token"]

    def ask(path="/task/cdr/all2", **query):
        answer = http.get(f"{simulator.url}/guanke{path}", params=query, headers={"Authorization": token})
        return answer.raise_for_status().json()

    yield ask
    http.post(f"{simulator.url}/guanke/_sim/reset")


def window(first=DAY, last=DAY):
    return {"startTime": f"{first} 00:00:00", "endTime": f"{last} 23:59:59"}


def test_pages_are_cut_newest_first_and_together_are_the_whole_day(ask, simulator):
    pages = [ask(**window(), page=page, pageSize=500)["data"] for page in (1, 2, 3)]
    records = list(itertools.chain.from_iterable(page["data"] for page in pages))
    assert {page["totalCount"] for page in pages} == {len(records)}
    moments = [r["callTime"] // 1000 if r["callTime"] > 10**12 else r["callTime"] for r in records]
    assert moments == sorted(moments, reverse=True)
    assert [int(r["id"]) for r in reversed(records)] == simulator.get("/guanke/_sim/truth", date=DAY.isoformat())["ids"]


def test_a_page_size_above_1000_gets_no_rows(ask):
    answer = ask(**window(), page=1, pageSize=1001)["data"]
    assert answer["data"] == []
    assert answer["totalCount"] > 0


def test_a_window_longer_than_seven_days_is_refused(ask):
    assert ask(**window(DAY - dt.timedelta(days=8), DAY), page=1, pageSize=10)["code"] == 400
    week = ask(**window(DAY - dt.timedelta(days=6), DAY), page=1, pageSize=1000)
    assert week["data"]["totalCount"] == 7 * 1200


def test_without_a_valid_token_the_body_says_401(simulator):
    answer = http.get(f"{simulator.url}/guanke/task/cdr/all2", params=window(), headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (200, 401)


def test_calls_can_be_filtered_by_state_and_task(ask):
    connected = ask(**window(), page=1, pageSize=1000, callState=2)["data"]
    assert {record["callState"] for record in connected["data"]} == {2}
    assert 0 < connected["totalCount"] < 1200


def test_task_rows_carry_no_date_and_intention_is_merely_called_again(ask):
    rows = ask("/extension/agent/stat", start_time=DAY, end_time=DAY, query_type=20, page=1, pageSize=1000)["data"]["data"]
    assert all(row["intention_number"] == row["called_number"] and row["intention_number2"] == 0 for row in rows)
    assert not any("date" in name for name in rows[0])


def test_todays_calls_appear_as_time_passes(ask, simulator):
    today = days.today()
    noon = dt.datetime.combine(today, dt.time(12), days.SHANGHAI)
    until_noon = simulator.get("/guanke/_sim/truth", date=today.isoformat(), as_of=noon.isoformat())
    whole = simulator.get("/guanke/_sim/truth", date=today.isoformat(), as_of=(noon + dt.timedelta(hours=12)).isoformat())
    assert 0 < until_noon["total_records"] < whole["total_records"] == 1200
    shown = ask(**window(today, today), page=1, pageSize=1000)["data"]["totalCount"]
    assert shown <= whole["total_records"]


def test_the_same_seed_gives_the_same_day_and_every_spelling_of_a_grade():
    one, two = (truth(DAY, make_calls(World(seed=7), DAY, 30_000)) for _ in range(2))
    assert one == two
    assert one != truth(DAY, make_calls(World(seed=8), DAY, 30_000))
    texts = {call.fields["grade"] for call in make_calls(World(seed=7), DAY, 30_000)}
    assert texts == {text for text, _, _ in GRADES}


def test_calls_are_made_between_eight_and_twenty_one():
    hours = {
        dt.datetime.fromtimestamp(
            call.fields["callTime"] // (1000 if call.fields["callTime"] > 10**12 else 1), days.SHANGHAI
        ).hour
        for call in make_calls(World(), DAY, 5000)
    }
    assert hours == set(range(8, 21))


def test_durations_are_drawn_from_a_csv_of_real_calls(tmp_path):
    calls_csv = tmp_path / "calls.csv"
    calls_csv.write_text("customer_age,duration_s,contacts_in_campaign\n30,777,1\n40,888,3\n", encoding="utf-8")
    calls = make_calls(World(calls_csv=calls_csv), DAY, 2000)
    assert {call.fields["duration"] for call in calls if call.fields["callState"] == 2} == {777, 888}
    phones = [call.fields.get("realPhone") for call in calls]
    assert len(set(phones)) < 0.95 * len(phones)
