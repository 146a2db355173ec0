"""Reading a day's numbers over HTTP: at once from the cache, and honest about age, completeness and what is not there."""

import datetime as dt
import threading

import pytest

from calling_pipeline import days
from calling_pipeline.api.routes.call_stats import DayReader
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline_tests.support import LIMIT_S, http, join_all, run_together, wait_until

COLUMNS = {"date", "grade_9", "grade_1", "total_success", "total_records", "calculated_at", "elapsed_time", "sync_type"}
SAID = {"from_cache", "elapsed_time", "calculated_at", "complete", "next_sync_at"}


@pytest.fixture
def yesterday():
    return days.today() - dt.timedelta(days=1)


def sync(runtime, track, day):
    [result] = sync_days(
        runtime.engine, guanke_client(runtime), track, [day], sync_type="historical", phone_key=runtime.phone_key
    )
    return result


def truth(simulator, day):
    return simulator.get("/guanke/_sim/truth", date=day.isoformat())


def served(simulator):
    return simulator.get("/guanke/_sim/served")["calls"]


def test_a_cached_day_is_answered_from_the_cache_with_its_columns_and_age(api_runtime, viewer, simulator, yesterday):
    sync(api_runtime, "grade", yesterday)
    before = served(simulator)
    answer = viewer.get("/api/stats/grade-stats", params={"date": yesterday.isoformat()})
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data.keys() >= COLUMNS | SAID
    assert (data["from_cache"], data["complete"], data["sync_type"]) == (True, True, "historical")
    assert data["total_success"] == data["grade_9"] + data["grade_1"]
    assert data["grade_9"] == truth(simulator, yesterday)["grade_9"]
    assert served(simulator) == before


def test_the_task_dimension_has_its_twin(api_runtime, viewer, yesterday):
    sync(api_runtime, "task", yesterday)
    data = viewer.get("/api/stats/task-stats", params={"date": yesterday.isoformat()}).json()["data"]
    assert data.keys() >= SAID | {"total_tasks", "callout_number", "called_number", "success_number", "connected_rate"}
    assert data["connected_rate"] == pytest.approx(100 * data["called_number"] / data["callout_number"], abs=0.0051)


@pytest.mark.parametrize("track", ["grade", "task"])
def test_a_cached_day_is_answered_alike_in_the_form_that_is_polled_and_in_any_other(api_runtime, viewer, yesterday, track):
    """The plain form is answered before the framework; an encoded one goes through its routing."""
    sync(api_runtime, track, yesterday)
    encoded = yesterday.isoformat().replace("-", "%2D")
    polled, routed = (viewer.get(f"/api/stats/{track}-stats?date={date}") for date in (yesterday, encoded))
    assert (polled.status_code, routed.status_code) == (200, 200)
    assert polled.headers["content-type"] == routed.headers["content-type"]
    changing = {"age_s": None, "elapsed_time": None}
    assert polled.json()["data"] | changing == routed.json()["data"] | changing


def test_the_form_that_is_polled_does_not_reach_the_framework(api_runtime, viewer, yesterday, monkeypatch):
    sync(api_runtime, "grade", yesterday)
    reached, answer = [], DayReader.answer

    async def counted(self, track, text):
        reached.append(text)
        return await answer(self, track, text)

    monkeypatch.setattr(DayReader, "answer", counted)
    assert viewer.get(f"/api/stats/grade-stats?date={yesterday}").status_code == 200
    assert reached == []
    assert viewer.get(f"/api/stats/grade-stats?date={yesterday.isoformat().replace('-', '%2D')}").status_code == 200
    assert reached == [yesterday.isoformat()]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nobody", "Basic viewer-token", "viewer-token", "Bearer é"])
def test_a_cached_day_is_shown_to_nobody_without_a_known_token(api_runtime, api, yesterday, header):
    sync(api_runtime, "grade", yesterday)
    headers = {} if header is None else {"Authorization": header.encode()}
    for query in (f"date={yesterday}", f"date={yesterday}&more=1"):
        answer = http.get(f"{api}/api/stats/grade-stats?{query}", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.json() == {"success": False, "error": "a known bearer token is needed"}


def test_today_without_a_cache_is_computed_and_then_cached(viewer, simulator):
    today = days.today().isoformat()
    first = viewer.get("/api/stats/grade-stats", params={"date": today}).json()["data"]
    before = served(simulator)
    second = viewer.get("/api/stats/grade-stats", params={"date": today}).json()["data"]
    assert (first["from_cache"], second["from_cache"]) == (False, True)
    assert first["total_records"] == second["total_records"]
    assert served(simulator) == before


def test_many_readers_of_an_empty_today_cause_one_read_of_the_vendor(api, simulator):
    def ask(answers):
        headers = {"Authorization": "Bearer viewer-token"}
        params = {"date": days.today().isoformat()}
        answers.append(http.get(f"{api}/api/stats/grade-stats", params=params, headers=headers).status_code)

    simulator.plant("slow", path="/task/cdr/all2", times=1, seconds=0.5)
    before = served(simulator)
    answers = []
    run_together(*[lambda: ask(answers)] * 30)
    assert answers == [200] * 30
    pages_of_one_read = 3
    assert served(simulator) - before <= pages_of_one_read


def test_history_without_a_cache_is_404_and_says_when_the_next_sync_is_due(viewer, yesterday):
    answer = viewer.get("/api/stats/grade-stats", params={"date": yesterday.isoformat()})
    assert (answer.status_code, answer.json()["success"]) == (404, False)
    assert f"{yesterday} is not in the grade cache; the next sync is due at" in answer.json()["error"]
    old = (days.today() - dt.timedelta(days=60)).isoformat()
    assert "no sync is due" in viewer.get("/api/stats/task-stats", params={"date": old}).json()["error"]


@pytest.mark.parametrize("date", ["", "tomorrow", "2026-13-01", "2026-1-1", "20261101", "1700000000", "2026-11-01T00:00:00"])
def test_a_date_that_is_no_date_is_422_and_names_the_field(viewer, date):
    answer = viewer.get("/api/stats/grade-stats", params={"date": date})
    assert answer.status_code == 422
    assert "date" in answer.json()["error"]


def test_a_missing_date_or_one_outside_the_days_there_are_is_422(viewer):
    assert viewer.get("/api/stats/grade-stats").status_code == 422
    tomorrow = (days.today() + dt.timedelta(days=1)).isoformat()
    for date in (tomorrow, "2020-01-01"):
        answer = viewer.get("/api/stats/grade-stats", params={"date": date})
        assert answer.status_code == 422
        assert "outside the days there are: 2025-01-01 to" in answer.json()["error"]


def test_a_refresh_brings_new_numbers_and_needs_an_operator(api_runtime, viewer, operator, simulator, yesterday):
    sync(api_runtime, "grade", yesterday)
    body = {"date": yesterday.isoformat()}
    assert viewer.post("/api/stats/grade-stats/refresh", json=body).status_code == 403
    data = operator.post("/api/stats/grade-stats/refresh", json=body).json()["data"]
    assert (data["from_cache"], data["sync_type"], data["joined"]) == (False, "manual", False)


def test_a_refresh_joins_the_one_that_is_under_way(api, viewer, simulator, yesterday, monkeypatch):
    """The vendor's first page is held back until all four requests wait for it."""
    waiting, refreshing = [], DayReader._refreshing

    def counted(self, track, day, by):
        waiting.append(by)
        return refreshing(self, track, day, by)

    monkeypatch.setattr(DayReader, "_refreshing", counted)
    simulator.plant("slow", path="/task/cdr/all2", times=1, seconds=LIMIT_S)
    answers = []

    def refresh():
        headers = {"Authorization": "Bearer operator-token"}
        body = {"date": yesterday.isoformat()}
        answers.append(http.post(f"{api}/api/stats/grade-stats/refresh", json=body, headers=headers).json())

    threads = [threading.Thread(target=refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(waiting) == 4)
    viewer.get("/api/stats/agent-ranking", params={"date": yesterday.isoformat()}).raise_for_status()
    simulator.clear_faults()
    join_all(*threads)
    assert sorted(answer["data"]["joined"] for answer in answers) == [False, True, True, True]
    assert len({answer["data"]["calculated_at"] for answer in answers}) == 1


def test_a_failed_refresh_says_why_and_shows_the_last_good_numbers(api_runtime, operator, simulator, yesterday):
    good = sync(api_runtime, "grade", yesterday).stats
    simulator.plant("code", path="/task/cdr/all2", times=None, code=400, message="参数错误")
    answer = operator.post("/api/stats/grade-stats/refresh", json={"date": yesterday.isoformat()})
    assert answer.status_code == 502
    assert answer.json()["success"] is False
    assert answer.json()["data"]["total_records"] == good.total_records
    assert answer.json()["data"]["from_cache"] is True


@pytest.mark.parametrize("body", [{}, {"date": "soon"}, {"date": None}, {"date": "2026-11-01", "more": 1}, []])
def test_a_malformed_refresh_is_422(operator, body):
    assert operator.post("/api/stats/grade-stats/refresh", json=body).status_code == 422


def test_agents_and_hours_of_a_day_are_there_too(api_runtime, viewer, yesterday):
    sync(api_runtime, "grade", yesterday)
    agents = viewer.get("/api/stats/agent-ranking", params={"date": yesterday.isoformat()}).json()["data"]
    hours = viewer.get("/api/stats/hourly-orders", params={"date": yesterday.isoformat()}).json()["data"]
    assert sum(agent["orders"] for agent in agents) == sum(hour["orders"] for hour in hours) > 0


@pytest.mark.parametrize("track", ["grade", "task"])
def test_a_range_is_one_object_per_day_and_the_holes_are_marked(api_runtime, viewer, simulator, yesterday, track):
    sync(api_runtime, track, yesterday)
    before, served_before = yesterday - dt.timedelta(days=1), served(simulator)
    params = {"from": before.isoformat(), "to": yesterday.isoformat()}
    missing, cached = viewer.get(f"/api/stats/{track}-stats", params=params).json()["data"]
    assert (missing["date"], missing["standing"]) == (before.isoformat(), "missing")
    alone = viewer.get(f"/api/stats/{track}-stats", params={"date": yesterday.isoformat()}).json()["data"]
    changing = {"age_s": None, "elapsed_time": None}
    assert cached | changing == alone | changing | {"standing": "complete", "source": "cache"}
    assert served(simulator) == served_before


def test_agents_and_hours_of_a_range(api_runtime, viewer, yesterday):
    sync(api_runtime, "grade", yesterday)
    params = {"from": (yesterday - dt.timedelta(days=1)).isoformat(), "to": yesterday.isoformat()}
    agents = viewer.get("/api/stats/agent-ranking", params=params).json()["data"]
    hours = viewer.get("/api/stats/hourly-orders", params=params).json()["data"]
    assert sum(agent["orders"] for agent in agents) == sum(hour["orders"] for hour in hours) > 0


def test_today_and_yesterday_are_days_too(api_runtime, viewer, operator, yesterday):
    sync(api_runtime, "grade", yesterday)
    for query in ("date=yesterday", "from=yesterday&to=yesterday"):
        data = viewer.get(f"/api/stats/grade-stats?{query}").json()["data"]
        assert (data[0] if isinstance(data, list) else data)["date"] == yesterday.isoformat()
    refreshed = operator.post("/api/stats/grade-stats/refresh", json={"date": "yesterday"}).json()["data"]
    assert refreshed["date"] == yesterday.isoformat()
    assert viewer.get("/api/v1/ledger/usage?from=yesterday&to=today").status_code == 200
    assert viewer.get("/api/v1/ledger/usage?from=soon").status_code == 422


def test_the_trend_is_one_object_per_day_with_its_means_and_standings(api_runtime, viewer, yesterday):
    sync(api_runtime, "grade", yesterday)
    before = yesterday - dt.timedelta(days=1)
    params = {"from": before.isoformat(), "to": yesterday.isoformat()}
    missing, kept = viewer.get("/api/stats/trend", params=params).json()["data"]
    assert missing["date"] == before.isoformat()
    assert (missing["standing"], missing["total_success"]) == ({"task": "missing", "grade": "missing"}, None)
    assert kept["standing"]["grade"] == "complete"
    assert kept["order_rate"] == round(100 * kept["total_success"] / kept["total_records"], 2)
    assert (kept["orders_mean_7"], kept["orders_week_before"], kept["under_way"]) == (None, None, False)
    assert viewer.get("/api/stats/trend", params={"date": "yesterday"}).json()["data"] == [kept]


@pytest.mark.parametrize("name", ["grade-stats", "task-stats", "agent-ranking", "hourly-orders", "trend"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "date"),
        ("from=2026-11-01", "date"),
        ("date=2026-11-01&from=2026-11-01&to=2026-11-02", "date"),
        ("from=2026-11-01&to=soon", "to"),
        ("from=1999-01-01&to=2026-11-02", "from"),
        ("from=2026-11-02&to=2026-11-01", None),
    ],
)
def test_a_range_that_is_none_is_refused_with_its_field(viewer, name, query, field):
    answer = viewer.get(f"/api/stats/{name}?{query}")
    assert (answer.status_code, answer.json().get("field")) == (422, field)
