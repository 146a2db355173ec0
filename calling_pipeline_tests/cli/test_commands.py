"""The command line as people and scripts meet it: one JSON document, exit codes, one sentence of error."""

import json
import os
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from calling_pipeline.cli.main import HEAVY, LIGHT, main
from calling_pipeline_tests.support import LIMIT_S

CLI = [sys.executable, "-m", "calling_pipeline.cli.main"]


@pytest.fixture
def command(app_settings, simulator, tmp_path):
    """Run `calling-pipeline …` as a process of its own on this test's database."""
    environment = {
        **os.environ,
        "CALLING_HOME": str(app_settings.home),
        "CALLING_DATABASE_URL": app_settings.database_url.get_secret_value(),
        "CALLING_GUANKE_BASE_URL": f"{simulator.url}/guanke",
        "COLUMNS": "200",
    }

    def run(*words, **more):
        return subprocess.run(
            [*CLI, *words],
            env={**environment, **more},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    return run


def test_a_sync_and_a_look_at_it_are_one_json_document_each(command):
    done = command("stats", "sync", "--track", "grade", "--from", "2026-11-01", "--to", "2026-11-02", "--json")
    assert done.returncode == 0, done.stderr
    synced = json.loads(done.stdout)
    assert [day["date"] for day in synced] == ["2026-11-01", "2026-11-02"]
    assert all(day["proof"]["complete"] for day in synced)
    shown = json.loads(command("stats", "show", "--date", "2026-11-02", "--json").stdout)
    assert shown["grade"]["total_records"] == synced[1]["stats"]["total_records"]
    assert shown["task"] is None


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["stats", "sync"], 2, "Missing option"),
        (["stats", "sync", "--track", "both", "--from", "2026-11-01", "--to", "2026-11-01"], 2, "'both' is not one of"),
        (["nonsense"], 2, "No such command"),
        (["stats", "show", "--date", "soon"], 1, "--date 'soon' is not a date; write it as YYYY-MM-DD"),
        (["stats", "show", "--date", "2019-01-01"], 1, "outside the days there are"),
        (["stats", "sync", "--track", "task", "--from", "2026-11-02", "--to", "2026-11-01"], 1, "ends before it begins"),
    ],
)
def test_mistakes_are_one_sentence_and_have_their_exit_status(command, words, status, said):
    done = command(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_is_json_too_and_its_traceback_is_there_on_request(command):
    done = command("stats", "show", "--date", "soon", "--json", "--debug")
    assert json.loads(done.stdout) == {"error": "--date 'soon' is not a date; write it as YYYY-MM-DD"}
    assert "Traceback" in done.stderr


def test_an_unreachable_database_names_where_and_hides_the_password(command):
    done = command("stats", "show", "--date", "2026-11-01", CALLING_DATABASE_URL="postgresql://u:hidden-word@127.0.0.1:9/x")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "hidden-word" not in done.stderr


def test_another_kind_of_database_is_refused(command):
    done = command("migrate", CALLING_DATABASE_URL="sqlite:///x.db")
    assert (done.returncode, "CALLING_DATABASE_URL is not a PostgreSQL address" in done.stderr) == (1, True)


@pytest.mark.parametrize("words", [["api"], ["simulator"]])
def test_an_occupied_port_is_named_with_the_way_out(command, words):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command(*words, "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("name", [*LIGHT, *HEAVY])
def test_every_command_has_help_and_takes_json(name):
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert "--json" in done.output or "COMMAND" in done.output
