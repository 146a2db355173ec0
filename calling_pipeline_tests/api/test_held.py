"""What HTTP says of a day whose newest read is held or failed, and the decision of a named person."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline_tests.support import yesterday

CALLS = "/task/cdr/all2"
GRADE = "/api/stats/grade-stats"


def asked():
    return {"date": yesterday().isoformat()}


@pytest.fixture
def published(api_runtime):
    """The numbers of a good read of yesterday."""
    [result] = sync_days(
        api_runtime.engine,
        guanke_client(api_runtime),
        "grade",
        [yesterday()],
        sync_type="historical",
        phone_key=api_runtime.phone_key,
    )
    return result.stats


def spoil(simulator):
    simulator.plant("unknown_grades", path=CALLS, times=None, rows=400, text="九元")


def rules(data):
    return {warning["rule"] for warning in data["warnings"]}


def condition(runtime, name):
    with runtime.transaction() as connection:
        query = sa.text("SELECT failing FROM alert_conditions WHERE name = :name")
        return connection.execute(query, {"name": f"{name}:{yesterday()}"}).scalar_one_or_none()


def test_an_answer_says_how_it_was_read_and_how_long_it_took_itself(published, viewer, operator):
    data = viewer.get(GRADE, params=asked()).json()["data"]
    assert (data["mode"], data["warnings"], data["held"], data["last_attempt"]) == ("full", [], None, None)
    assert dt.datetime.fromisoformat(data["full_read_at"]) == published.proof.started_at
    assert data["sync_elapsed_s"] == published.elapsed_time
    assert data["elapsed_time"] >= 0
    refreshed = operator.post(f"{GRADE}/refresh", json=asked()).json()["data"]
    assert refreshed["elapsed_time"] >= refreshed["sync_elapsed_s"] > 0


def test_a_refresh_that_the_gate_holds_answers_with_the_numbers_from_before_and_says_so(
    api_runtime, published, viewer, operator, simulator
):
    spoil(simulator)
    for answer in (operator.post(f"{GRADE}/refresh", json=asked()), viewer.get(GRADE, params=asked())):
        assert answer.status_code == 200
        data = answer.json()["data"]
        assert (data["total_success"], data["from_cache"]) == (published.total_success, True)
        assert "held" in rules(data)
        assert data["held"]["reasons"][0]["rule"] == "unknown_grades"
        assert data["held"]["numbers"]["grade_9"] < published.grade_9
        assert data["last_attempt"]["outcome"] == "held"
    assert condition(api_runtime, "held:grade") is True


def test_a_day_that_is_held_and_was_never_published_says_why_it_is_missing(viewer, operator, simulator):
    spoil(simulator)
    for answer in (operator.post(f"{GRADE}/refresh", json=asked()), viewer.get(GRADE, params=asked())):
        assert answer.status_code == 404
        assert "九元" in answer.json()["error"]


def test_a_named_operator_publishes_or_discards_with_a_reason(api_runtime, published, viewer, operator, simulator):
    spoil(simulator)
    operator.post(f"{GRADE}/refresh", json=asked())
    [held] = viewer.get("/api/stats/held").json()["data"]
    path = f"/api/stats/held/{held['id']}"
    reason = {"reason": "确认无误"}
    assert viewer.post(f"{path}/publish", json=reason).status_code == 403
    assert operator.post(f"{path}/publish", json={"reason": " "}).status_code == 422
    assert operator.post("/api/stats/held/999/publish", json=reason).status_code == 404
    done = operator.post(f"{path}/publish", json=reason).json()["data"]
    assert (done["state"], done["closing_reason"]) == ("published", "确认无误")
    assert done["closed_by"].startswith("operator-")
    data = viewer.get(GRADE, params=asked()).json()["data"]
    assert (data["grade_9"], data["held"]) == (held["numbers"]["grade_9"], None)
    assert rules(data) >= {"unknown_grades", "published_by"}
    assert operator.post(f"{path}/discard", json=reason).status_code == 409
    with api_runtime.transaction() as connection:
        (row,) = audit.entries(connection, act="held_day.*", limit=9)[0]
    assert (row.act, row.person, row.door, row.reason) == ("held_day.publish", done["closed_by"], "api", "确认无误")
    assert (row.subject, row.after["numbers"]["grade_9"]) == (f"held_day:{held['id']}", data["grade_9"])
    assert viewer.get("/api/stats/held").json()["data"] == []
    assert [one["state"] for one in viewer.get("/api/stats/held", params={"state": "all"}).json()["data"]] == ["published"]


def test_a_failed_refresh_is_shown_by_every_reader_until_a_good_one_and_alerts(
    api_runtime, published, viewer, operator, simulator
):
    simulator.plant("status", path=CALLS, times=None, status=400)
    failed = operator.post(f"{GRADE}/refresh", json=asked())
    assert failed.status_code == 502
    sentence = failed.json()["error"]
    kept = f"{published.calculated_at:%Y-%m-%d %H:%M}"
    for part in (str(yesterday()), CALLS, "page 1", "HTTP 400", f"numbers of {kept} stand", "calling-pipeline stats sync"):
        assert part in sentence
    operator.post(f"{GRADE}/refresh", json=asked())
    for data in (failed.json()["data"], viewer.get(GRADE, params=asked()).json()["data"]):
        assert (data["last_attempt"]["outcome"], data["total_records"]) == ("failed", published.total_records)
        assert "read_failed" in rules(data)
    data = viewer.get(GRADE, params=asked()).json()["data"]
    assert (data["last_attempt"]["failures"], data["last_attempt"]["error"]) == (2, sentence)
    assert condition(api_runtime, "read_failed:grade") is True
    simulator.clear_faults()
    good = operator.post(f"{GRADE}/refresh", json=asked()).json()["data"]
    assert (good["last_attempt"], good["warnings"]) == (None, [])
    assert condition(api_runtime, "read_failed:grade") is False


def test_a_failed_read_of_a_day_that_is_not_cached_is_named_too(viewer, operator, simulator):
    simulator.plant("code", path="/extension/agent/stat", times=None, code=400, message="参数错误")
    operator.post("/api/stats/task-stats/refresh", json=asked())
    error = viewer.get("/api/stats/task-stats", params=asked()).json()["error"]
    assert "参数错误" in error
    assert "no numbers of it are published" in error


def test_a_call_of_another_day_does_not_make_a_refresh_fail(published, operator, simulator):
    """It answered 503 "the database could not answer; try again shortly"."""
    moment = int(days.day_bounds(yesterday())[0].timestamp()) - 10
    simulator.plant("wrong_value", path="page=1&", times=None, field="callTime", value=moment, rows=1)
    data = operator.post(f"{GRADE}/refresh", json=asked()).json()["data"]
    assert (data["total_records"], data["complete"]) == (published.total_records - 1, True)
    assert rules(data) == {"outside_day"}
