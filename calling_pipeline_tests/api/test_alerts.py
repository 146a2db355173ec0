"""What is wrong, over HTTP."""

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline_tests.support import http

DAY = dt.date(2026, 11, 20)
VIEWER = {"Authorization": "Bearer viewer-token"}


def observe(runtime, failing, event, kind="check"):
    with runtime.transaction() as connection:
        conditions.observe(
            connection,
            Condition(
                f"{kind}:calls:rates:{DAY}", failing, "error", "calls: rates are in range", "3 rows", "dagster", event,
                subject="calls", day=DAY,
            ),
        )  # fmt: skip


def test_what_is_open_and_what_was_closed_is_listed_with_its_day(api, api_runtime):
    observe(api_runtime, True, 1)
    observe(api_runtime, True, 1, kind="run")
    observe(api_runtime, False, 2, kind="run")
    found = http.get(f"{api}/api/v1/alerts", headers=VIEWER).json()["data"]
    assert [(one["kind"], one["state"], one["day"], one["times_announced"]) for one in found["items"]] == [
        ("check", "open", "2026-11-20", 1),
        ("run", "closed", "2026-11-20", 1),
    ]
    assert found["total"] == 2
    only_open = http.get(f"{api}/api/v1/alerts", params={"open": True}, headers=VIEWER).json()["data"]
    assert [one["kind"] for one in only_open["items"]] == ["check"]
    assert http.get(f"{api}/api/v1/alerts", params={"kind": "run"}, headers=VIEWER).json()["data"]["total"] == 1


def test_one_is_shown_in_full(api, api_runtime):
    observe(api_runtime, True, 1)
    [one] = http.get(f"{api}/api/v1/alerts", headers=VIEWER).json()["data"]["items"]
    shown = http.get(f"{api}/api/v1/alerts/{one['id']}", headers=VIEWER).json()["data"]
    assert shown["text"] == "3 rows"
    assert shown["what_to_do"].startswith("Open the check")
    assert shown["link"].startswith("http")
    assert dt.datetime.fromisoformat(shown["opened_at"]).utcoffset() == days.now().utcoffset()
    assert [alert["title"] for alert in shown["alerts"]] == ["Failing: calls: rates are in range, 2026-11-20"]


@pytest.mark.parametrize("path", ["/api/v1/alerts", "/api/v1/alerts/1"])
def test_a_token_is_needed(api, path):
    assert http.get(f"{api}{path}").status_code == 401


def test_an_unknown_one_is_not_found(api):
    answer = http.get(f"{api}/api/v1/alerts/77", headers=VIEWER)
    assert (answer.status_code, answer.json()["success"]) == (404, False)
