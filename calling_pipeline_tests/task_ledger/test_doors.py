"""The task ledger through its doors: HTTP, command line, Dagster."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import dagster as dg
import httpx
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.cli.main import main
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.defs.task_ledger import assets as room
from calling_pipeline.runtime import Runtime
from calling_pipeline.task_ledger.ledger import keep_usage, save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S


@pytest.fixture
def api(app_settings):
    tokens = {"op": {"role": "operator"}, "view": {"role": "viewer"}}
    settings = app_settings.model_validate({**app_settings.model_dump(), "api_tokens": tokens})
    with (
        served(create_app(Runtime(settings))) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer op"}, timeout=LIMIT_S) as client,
    ):
        yield client


def test_a_task_goes_its_way_over_http(api):
    assert api.post("/api/tasks/42", json={"feature": "export", "state": "pending"}).json()["data"]["outcome"] == "created"
    done = api.post("/api/tasks/42", json={"state": "completed", "credits": 3, "free": False, "details": {"rows": 7}})
    assert (done.status_code, done.json()["data"]["charge"]) == (200, "charged")
    back = api.post("/api/tasks/42", json={"state": "failed"})
    assert (back.status_code, back.json()["success"]) == (409, False)
    assert back.json()["error"] == "task 42: a completed task cannot become failed"
    task = api.get("/api/tasks/42").json()["data"]
    assert (task["state"], task["charged"], task["details"]) == ("completed", 3, {"rows": 7})
    assert task["refusals"][0]["refused_by"].startswith("operator-")


def test_ids_with_slashes_and_colons_are_ids(api):
    assert api.post("/api/tasks/sync:grade/7", json={"state": "pending"}).status_code == 200
    assert api.get("/api/tasks/sync:grade/7").json()["data"]["task_id"] == "sync:grade/7"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "done"}, "state"),
        ({}, "state"),
        ({"state": "pending", "credits": -1}, "credits"),
        ({"state": "pending", "credits": "3"}, "credits"),
        ({"state": "pending", "details": [1]}, "details"),
        ({"state": "pending", "status": "x"}, "status"),
        ({"state": "pending", "details": {"a": "\x00"}}, "details"),
    ],
)
def test_a_bad_request_names_the_field(api, body, field):
    answer = api.post("/api/tasks/1", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_an_empty_id_an_unknown_one_and_a_viewer_are_refused(api):
    assert api.post("/api/tasks/%20", json={"state": "pending"}).status_code == 422
    assert api.get("/api/tasks/nobody").status_code == 404
    assert api.post("/api/tasks/1", json={"state": "pending"}, headers={"Authorization": "Bearer view"}).status_code == 403


def run(app_settings, *arguments):
    environment = {
        "CALLING_DATABASE_URL": app_settings.database_url.get_secret_value(),
        "CALLING_SECRET_KEY": app_settings.secret_key.get_secret_value(),
    }
    result = CliRunner().invoke(main, arguments, env=environment)
    return result.exit_code, result.stdout


def test_the_command_line_shows_tasks_refusals_and_usage(engine, app_settings):
    with engine.begin() as connection:
        save_task_details(connection, TaskDetails("batch:1", "call_batches", "completed", 4, details={"rows": 9}))
        save_task_details(connection, TaskDetails("batch:1", "call_batches", "pending", by="a test"))
    code, text = run(app_settings, "ledger", "show", "batch:1", "--json")
    assert code == 0
    assert (json.loads(text)["charged"], len(json.loads(text)["refusals"])) == (4, 1)
    code, text = run(app_settings, "ledger", "list", "--state", "completed", "--json")
    assert [task["task_id"] for task in json.loads(text)] == ["batch:1"]
    code, text = run(app_settings, "ledger", "refusals", "--json")
    assert json.loads(text)[0]["refused_by"] == "a test"
    code, text = run(app_settings, "ledger", "usage", "--json")
    assert (json.loads(text)[0]["credits"], json.loads(text)[0]["refusals"]) == (4, 1)
    assert run(app_settings, "ledger", "show", "nobody")[0] == 1
    assert "batch:1" in run(app_settings, "ledger", "show", "batch:1")[1]


def test_a_days_usage_is_counted_by_feature_and_recounting_replaces_it(engine):
    day = dt.date(2026, 3, 4)
    with days.frozen(dt.datetime(2026, 3, 4, 23, 59, tzinfo=days.SHANGHAI)), engine.begin() as connection:
        save_task_details(connection, TaskDetails("a", "export", "completed", 4))
        save_task_details(connection, TaskDetails("b", "export", "pending"))
        save_task_details(connection, TaskDetails("c", "sync", "failed"))
    with days.frozen(dt.datetime(2026, 3, 5, 0, 1, tzinfo=days.SHANGHAI)), engine.begin() as connection:
        save_task_details(connection, TaskDetails("c", "sync", "completed", 2))
    with engine.begin() as connection:
        first, again = keep_usage(connection, day), keep_usage(connection, day)
        kept = connection.execute(sa.text("SELECT feature, credits FROM task_usage ORDER BY 1")).all()
    assert first == again
    assert [(u.feature, u.created, u.completed, u.pending, u.credits) for u in first] == [
        ("export", 2, 1, 1, 4),
        ("sync", 1, 0, 0, 0),
    ]
    assert kept == [("export", 4), ("sync", 0)]


def materialize(runtime, **options):
    definitions = room.definitions(daily_partitions(dt.date(2026, 3, 1)))
    assets: list[Any] = [*(definitions.assets or ()), *(definitions.asset_checks or ())]
    return dg.materialize(assets, resources={"runtime": runtime}, **options)


def test_the_asset_counts_its_day_and_the_checks_pass(runtime, engine):
    with days.frozen(dt.datetime(2026, 3, 4, 12, tzinfo=days.SHANGHAI)), engine.begin() as connection:
        save_task_details(connection, TaskDetails("a", "export", "completed", 4))
    result = materialize(runtime, partition_key="2026-03-04")
    assert {check.check_name: check.passed for check in result.get_asset_check_evaluations()} == {
        "task_ids_are_unique": True,
        "charges_equal_completed_paid_tasks": True,
    }
    metadata = result.asset_materializations_for_node("task_usage")[0].metadata
    assert (metadata["credits"].value, metadata["tasks_created"].value) == (4, 1)


def test_the_checks_fail_on_what_they_exist_for(runtime, engine):
    with engine.begin() as connection:
        save_task_details(connection, TaskDetails("a", "export", "completed", 4))
        save_task_details(connection, TaskDetails("A", "export", "pending"))
        connection.execute(sa.text("DELETE FROM task_charges"))
    result = materialize(runtime, partition_key="2026-03-04")
    failed = {c.check_name: str(c.metadata) for c in result.get_asset_check_evaluations() if not c.passed}
    assert set(failed) == {"task_ids_are_unique", "charges_equal_completed_paid_tasks"}
    assert "not charged" in failed["charges_equal_completed_paid_tasks"]


def test_a_range_of_days_is_one_run(runtime):
    tags = {"dagster/asset_partition_range_start": "2026-03-02", "dagster/asset_partition_range_end": "2026-03-04"}
    result = materialize(runtime, tags=tags)
    assert len(result.asset_materializations_for_node("task_usage")) == 3
