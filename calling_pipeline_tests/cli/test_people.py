"""`users` and `audit` as people use them."""

import json

import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.cli.main import main
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import http


@pytest.fixture
def run(app_settings, monkeypatch):
    monkeypatch.setenv("CALLING_DATABASE_URL", app_settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")
    monkeypatch.setenv("CALLING_HOME", str(app_settings.home))

    def act(*words: str, code: int = 0, stdin: str | None = None):
        answer = CliRunner().invoke(main, [*words, "--json"], input=stdin)
        assert answer.exit_code == code, answer.output
        return json.loads(answer.stdout)

    return act


@pytest.fixture
def api(app_settings, run):
    with served(create_app(Runtime(app_settings))) as url:
        yield url


def test_a_new_installation_has_an_admin_whose_token_is_in_the_home_folder(run, app_settings, api):
    run("migrate")
    (admin,) = run("users", "list")
    assert (admin["name"], admin["role"], admin["has_password"]) == ("admin", "admin", False)
    token = next(iter(load(home=app_settings.home).token_grants()))
    who = http.get(f"{api}/api/v1/session", headers={"Authorization": f"Bearer {token}"}).json()["data"]
    assert (who["name"], who["role"], who["csrf_token"]) == ("admin", "admin", "")


def test_a_person_is_added_given_a_token_and_disabled_and_all_of_it_is_in_the_audit_log(run, api):
    run("users", "add", "Li Wei", "--role", "viewer", "--tenant", "3", "--collector", "7", "--grant", "statistics")
    made = run("users", "token", "add", "li wei", "--label", "report", "--days", "30")
    headers = {"Authorization": f"Bearer {made['token']}"}
    who = http.get(f"{api}/api/v1/session", headers=headers).json()["data"]
    assert (who["name"], who["tenant_id"], who["collector_id"], who["grants"]) == ("Li Wei", 3, 7, ["statistics"])
    listed = run("users", "token", "list", "Li Wei")
    assert (listed[0]["label"], listed[0]["last_used_at"] is None) == ("report", False)
    assert made["token"] not in json.dumps(listed)
    run("users", "role", "li wei", "collector", "--reason", "calls from today on")
    assert run("users", "grant", "li wei", "alerts")["grants"] == ["statistics", "alerts"]
    assert run("users", "grant", "li wei", "statistics", "--remove")["grants"] == ["alerts"]
    assert run("users", "bind", "li wei", "--tenant", "4")["collector_id"] is None
    run("users", "token", "revoke", str(made["id"]), "--reason", "lost")
    run("users", "disable", "li wei")
    assert run("users", "enable", "li wei")["active"] is True
    acts = [entry["act"] for entry in reversed(run("audit", "--subject", "person:Li Wei")["items"])]
    assert acts == ["person.add", "token.issue", "person.change", "person.change", "person.change", "person.change",
                    "token.revoke", "person.disable", "person.enable"]  # fmt: skip
    assert {entry["door"] for entry in run("audit", "--act", "person.*")["items"]} == {"command line"}
    assert run("audit", "--act", "token.*", "--from", days.today().isoformat())["total"] == 2
    assert run("audit", "--act", "token.*", "--to", "2026-01-01")["total"] == 0
    assert made["token"] not in json.dumps(run("audit"))


def test_a_password_is_read_from_standard_input_and_logs_in(run, api):
    run("users", "add", "Ann", "--role", "operator")
    run("users", "password", "Ann", "--stdin", stdin="correct horse battery\n")
    answer = http.post(f"{api}/api/v1/session", json={"name": "ann", "password": "correct horse battery"})
    assert answer.json()["data"]["name"] == "Ann"
    assert "10 to 200" in run("users", "password", "Ann", "--stdin", stdin="short\n", code=1)["error"]


def test_a_login_link_is_an_address_that_logs_in_once(run, api):
    run("users", "add", "Ann", "--role", "operator")
    address = run("users", "login-link", "Ann")["address"]
    assert address.startswith("http://127.0.0.1:8000/login?link=")
    link = {"link": address.partition("link=")[2]}
    assert http.post(f"{api}/api/v1/session", json=link).json()["data"]["name"] == "Ann"
    assert http.post(f"{api}/api/v1/session", json=link).status_code == 401


def test_the_audit_log_is_shown_for_people_with_what_changed(run):
    run("users", "add", "Ann", "--role", "viewer")
    run("users", "role", "Ann", "operator", "--reason", "promoted")
    shown = CliRunner().invoke(main, ["audit", "--act", "person.change"], terminal_width=300).output
    assert "role: viewer → operator" in shown
    assert "promoted" in shown


def test_a_migration_and_the_way_back_are_noted_with_who_asked(run, empty_database_url, monkeypatch):
    address = empty_database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("CALLING_DATABASE_URL", address)
    monkeypatch.setenv("LOGNAME", "machine-account")
    run("migrate")
    run("migrate")
    run("migrate", "--back-to", "0018_people")
    assert "migrate" in run("users", "list", code=1)["error"]
    run("migrate")
    found = run("audit", "--act", "schema.*")["items"]
    assert [(row["person"], row["door"]) for row in found] == [("machine-account (command line)", "command line")] * 3
    assert next(row["before"]["revision"] for row in reversed(found)) is None
