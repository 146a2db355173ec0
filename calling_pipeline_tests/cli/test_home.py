"""Which folder a command uses, who may make a database in it, and what is left when a lone server ends."""

import json
import os
import signal
import subprocess
import sys

import pytest

from calling_pipeline.cli.machine.processes import Identity, identify
from calling_pipeline.project import project_folder
from calling_pipeline.settings import load
from calling_pipeline_tests.running_up import free_port, free_ports
from calling_pipeline_tests.support import LIMIT_S, http, start_process, unmeasured, wait_until

CLI = [sys.executable, "-m", "calling_pipeline.cli.main"]


def command(cwd, *words, **settings):
    environment = {**os.environ, **settings}
    return subprocess.run(
        [*CLI, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=2 * LIMIT_S
    )


def signed_on(data):
    """The processes that the wheel counts as users of the server; None while it writes them."""
    try:
        return json.loads((data / ".handle_pids.json").read_text())
    except (OSError, ValueError):
        return None


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "deep" / "below").mkdir(parents=True)
    (folder / "dagster.yaml").touch()
    (folder / "pyproject.toml").write_text('[project]\nname = "calling-pipeline"\n')
    return folder


def test_home_lies_in_the_project_wherever_in_it_one_stands(project, monkeypatch):
    monkeypatch.chdir(project / "deep" / "below")
    (project / ".env").write_text("CALLING_UI_PORT=4321\n")
    assert project_folder() == project
    assert load().home == project / ".calling"
    assert load().ui_port == 4321
    assert load(home="other").home == project / "other"
    assert load(home="/elsewhere").home.as_posix() == "/elsewhere"


def test_a_folder_with_an_instance_file_alone_is_no_project(project, tmp_path, monkeypatch):
    (project / "pyproject.toml").write_text('[project]\nname = "another"\n')
    monkeypatch.chdir(project)
    assert project_folder() is None
    (project / ".calling").mkdir()
    assert project_folder() == project
    monkeypatch.chdir(tmp_path)
    assert load().home == tmp_path / ".calling"


@pytest.mark.parametrize("words", [["alerts", "list"], ["exec", "--", "true"], ["api"], ["status"]])
def test_only_up_and_migrate_make_a_database(tmp_path, words):
    done = command(tmp_path, *words)
    assert done.returncode == 1
    assert f"there is no database in {tmp_path}/.calling/postgres" in done.stderr
    assert "go there, or set CALLING_HOME" in done.stderr
    assert not (tmp_path / ".calling").exists()


def test_a_key_is_not_generated_where_nobody_looks_for_it(tmp_path, monkeypatch):
    with pytest.raises(Exception, match=r"there is no .*/\.calling/secret\.key: .* is not in the project's folder"):
        load().secret_key_bytes()
    assert not (tmp_path / ".calling").exists()
    assert load(home=tmp_path / "named").secret_key_bytes() == load(home=tmp_path / "named").secret_key_bytes()


def test_a_command_below_the_project_uses_its_database(project):
    assert "migrated from an empty database" in command(project, "migrate").stdout
    below = project / "deep" / "below"
    assert json.loads(command(below, "alerts", "list", "--json").stdout) == []
    assert not (below / ".calling").exists()


def test_a_lone_server_that_gets_sigterm_signs_off_and_the_embedded_server_ends_with_it(project):
    command(project, "migrate")
    port = free_port()
    data = project / ".calling" / "postgres"
    process = start_process([*CLI, "api", "--port", str(port)], cwd=project, stderr=subprocess.PIPE)
    wait_until(lambda: b"API on" in process.stderr.readline())
    wait_until(lambda: process.poll() is not None or _answers(port))
    assert signed_on(data) == [process.pid]
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
    assert signed_on(data) == []
    wait_until(lambda: not (data / "postmaster.pid").exists())


def test_a_command_that_gets_sigterm_signs_off_too(project):
    command(project, "migrate")
    data = project / ".calling" / "postgres"
    begun = ["sh", "-c", "echo begun; exec sleep 600"]
    process = start_process([*CLI, "exec", "--", *begun], cwd=project, stdout=subprocess.PIPE, env=unmeasured())
    assert process.stdout.readline() == b"begun\n"
    assert signed_on(data) == [process.pid]
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 128 + signal.SIGTERM
    wait_until(lambda: not (data / "postmaster.pid").exists())


def test_a_taken_port_is_named_with_its_holder_and_the_setting(tmp_path):
    program = (
        "import socket, time; own = socket.create_server(('127.0.0.1', 0));"
        "print(own.getsockname()[1], flush=True); time.sleep(600)"
    )
    holder = start_process([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    port = int(holder.stdout.readline())
    free = {f"CALLING_{name}_PORT": str(found) for name, found in free_ports().items()}
    done = command(tmp_path, "up", **{**free, "CALLING_API_PORT": str(port)})
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert f"process {holder.pid} (python" in done.stderr
    assert "listens there: end it, or choose another with CALLING_API_PORT" in done.stderr
    one = free["CALLING_UI_PORT"]
    same = command(tmp_path, "up", **{**free, "CALLING_API_PORT": one})
    assert f"CALLING_UI_PORT and CALLING_API_PORT are both {one}" in same.stderr


def test_a_number_that_was_given_again_is_another_process():
    process = start_process([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    wait_until(lambda: "input()" in identify(process.pid).command)
    known = identify(process.pid)
    assert known.process().pid == process.pid
    assert Identity(known.pid, "another start", known.command).process() is None
    assert Identity(known.pid, known.started, "another command").process() is None
    process.kill()
    wait_until(lambda: known.process() is None)  # also while it waits for its parent
    process.communicate()
    assert known.process() is None


def _answers(port):
    try:
        return http.get(f"http://127.0.0.1:{port}/healthz").is_success
    except Exception:
        return False
