"""The server itself: tokens, health, migration, its description, and failures that give nothing away."""

import asyncio
import datetime as dt

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.api.auth import Gate, Shown
from calling_pipeline.database import revisions
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic admin-token", "Bearer", "admin-token"])
def test_without_a_known_token_every_request_is_refused(viewer, header):
    headers = {"Authorization": header} if header else {}
    del viewer.headers["Authorization"]
    answer = viewer.get("/api/stats/grade-stats", params={"date": "2026-11-01"}, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"success": False, "error": "a known bearer token is needed"}


def test_a_callers_name_does_not_show_the_token(app_settings):
    grants = {"a very secret token": TokenGrant(role="operator", tenant=3)}
    gate = Gate(app_settings.model_copy(update={"api_tokens": grants}))
    caller = asyncio.run(gate.caller(Shown(authorization="Bearer a very secret token")))
    assert caller is not None
    assert (caller.role, caller.may_touch(3), caller.may_touch(4)) == ("operator", True, False)
    assert "secret" not in caller.name


def test_health_says_alive_or_not_to_everybody_and_more_with_a_token(viewer, engine):
    answer = viewer.get("/healthz")
    anybody = httpx.get(viewer.base_url.join("/healthz"), timeout=LIMIT_S)
    assert anybody.json() == {"success": True, "data": {"alive": True}}
    assert (answer.status_code, answer.json()["data"]["database"]) == (200, "ok")
    assert answer.json()["data"]["vendors"] == {
        vendor: {"last_answer_at": None} for vendor in ("guanke", "gateway", "infinity", "wecom")
    }


def test_health_says_when_a_vendor_last_answered(viewer):
    before = days.now()
    viewer.get("/api/stats/grade-stats", params={"date": days.today().isoformat()})
    at = viewer.get("/healthz").json()["data"]["vendors"]["guanke"]["last_answer_at"]
    assert dt.datetime.fromisoformat(at) >= before


def test_health_is_503_when_the_schema_is_not_this_programs(viewer, engine):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_future'"))
    answer = viewer.get("/healthz")
    assert answer.status_code == 503
    assert "newer than this program" in answer.json()["error"]
    anybody = httpx.get(viewer.base_url.join("/healthz"), timeout=LIMIT_S)
    assert anybody.status_code == 503
    assert anybody.json() == {"success": False, "error": "not well; a request with a token says why"}


def _set_revision(engine, revision):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_a_probe_learns_whether_the_server_is_ready_and_a_known_caller_the_schema(viewer):
    anybody = httpx.get(viewer.base_url.join("/readyz"), timeout=LIMIT_S)
    assert anybody.json() == {"success": True, "data": {"ready": True, "schema_revision": None, "standing": None}}
    data = viewer.get("/readyz").json()["data"]
    assert data == {"ready": True, "schema_revision": revisions.newest_revision(), "standing": "current"}


def test_an_older_schema_makes_the_server_unready_and_leaves_it_alive(viewer, engine):
    _set_revision(engine, "0001_first")
    answer = viewer.get("/readyz")
    assert (answer.status_code, answer.json()["error"]) == (
        503,
        "the database schema (0001_first) is older than this program; run `calling-pipeline migrate`",
    )
    anybody = httpx.get(viewer.base_url.join("/readyz"), timeout=LIMIT_S)
    assert anybody.json() == {"success": False, "error": "not well; a request with a token says why"}
    assert viewer.get("/livez").json() == {"success": True, "data": {"alive": True}}


def test_a_server_that_was_there_before_the_migration_of_the_next_release_stays_ready(viewer, engine):
    _set_revision(engine, "9999_of_the_next_release")
    answer = viewer.get("/readyz")
    assert (answer.status_code, answer.json()["data"]["standing"]) == (200, "newer")


def test_without_a_database_the_server_is_alive_and_not_ready(app_settings):
    nowhere = app_settings.model_copy(update={"database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none")})
    with served(create_app(Runtime(nowhere))) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503


def test_the_first_look_is_there_for_a_viewer_and_for_nobody_without_a_token(viewer):
    answer = viewer.get("/api/v1/status")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["healthy"] is False
    assert {problem["section"] for problem in data["problems"]} >= {"dagster", "days"}
    del viewer.headers["Authorization"]
    assert viewer.get("/api/v1/status").status_code == 401


def test_only_an_admin_migrates(operator, admin):
    assert operator.post("/api/db/migrate").status_code == 403
    answer = admin.post("/api/db/migrate")
    assert answer.json() == {
        "success": True,
        "data": {"before": revisions.newest_revision(), "after": revisions.newest_revision()},
    }


def test_the_description_names_every_endpoint_that_stays(viewer):
    paths = viewer.get("/openapi.json").json()["paths"]
    for path in ("/api/stats/grade-stats", "/api/stats/task-stats", "/api/stats/grade-stats/refresh", "/api/db/migrate"):
        assert path in paths
    assert "/api/tasks/{task_id}" in paths


def test_an_unknown_path_and_a_wrong_method_answer_in_the_same_form(viewer):
    assert viewer.get("/api/nothing").json() == {
        "success": False,
        "error": "there is no such path; the description is at /docs",
    }
    answer = viewer.delete("/api/stats/grade-stats")
    assert (answer.status_code, answer.json()["success"]) == (405, False)


def test_a_database_failure_is_503_and_shows_no_sql(viewer, engine):
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE hourly_orders"))
    answer = viewer.get("/api/stats/hourly-orders", params={"date": "2026-11-01"})
    assert answer.status_code == 503
    assert "SELECT" not in answer.text


def test_a_fault_of_the_program_answers_in_the_same_form_and_shows_nothing(api_runtime):
    app = create_app(api_runtime)

    @app.get("/fault")
    def fault() -> None:
        raise RuntimeError("an inner detail")

    with served(app) as url:
        answer = httpx.get(f"{url}/fault", timeout=LIMIT_S)
    assert answer.status_code == 500
    assert answer.json() == {"success": False, "error": "the server failed to answer this request; its log says why"}
