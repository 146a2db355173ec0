"""A running `calling-pipeline up`, as a test starts it, asks it, and ends it."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from calling_pipeline.cli.machine.processes import marked
from calling_pipeline_tests.support import LIMIT_S, http, start_process, wait_until

ROOT = Path(__file__).parents[1]
_given = set()


def free_port():
    """A port for a server that is started later. The system gives it to nobody meanwhile: who asks for any gets one from
    32768 on. Each worker looks among ports of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + worker % 20 * 1000
    return wait_until(lambda: _free_one(random.randrange(first, first + 1000)))


def _free_one(port):
    """The port, if nobody has it and it was not given before."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return None
    if port in _given:
        return None
    _given.add(port)
    return port


def free_ports():
    return {name: free_port() for name in ("UI", "API", "SIMULATOR", "CODE_SERVER")}


class Up:
    """A running `calling-pipeline up` in a folder of its own, a project's as far as it matters."""

    def __init__(self, folder, *words, **settings):
        shutil.copy(ROOT / "dagster.yaml", folder)
        self.folder = folder
        self.home = folder / ".calling"
        self.ports = free_ports()
        self.environment = {
            **os.environ,
            **{f"CALLING_{name}_PORT": str(port) for name, port in self.ports.items()},
            "CALLING_EXAMPLE": "false",  # tests count what is there; one about the example says so
            **settings,
        }
        command = [sys.executable, "-m", "calling_pipeline.cli.main", "up", *words]
        with (folder / "up.err").open("ab") as output:
            self.process = start_process(command, cwd=folder, env=self.environment, stderr=output, stdout=output)
        wait_until(lambda: self.process.poll() is not None or "Ctrl-C stops" in self.text, limit_s=5 * LIMIT_S, every_s=0.2)
        if self.process.poll() is not None:
            pytest.fail(self.text)

    @property
    def text(self):
        return (self.folder / "up.err").read_text(errors="replace")  # it is read while it is written

    @property
    def said(self):
        return self.text.splitlines()

    def waits_for(self, sentence, *, times=1):
        """Wait until it has said the sentence so often."""
        wait_until(lambda: self.text.count(sentence) >= times, limit_s=2 * LIMIT_S, every_s=0.1)

    @property
    def ui(self):
        return f"http://127.0.0.1:{self.ports['UI']}"

    def ask(self, query, **variables):
        question = {"query": query, "variables": variables}
        token = {"Authorization": f"Bearer {(self.home / 'admin.token').read_text()}"}
        return http.post(f"{self.ui}/graphql", json=question, headers=token).json()["data"]

    def command(self, *words):
        """Another command in the same folder."""
        command = [sys.executable, "-m", "calling_pipeline.cli.main", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=3 * LIMIT_S,
        )

    def pid_of(self, name):
        return json.loads((self.home / "up.json").read_text())["children"][name]["pid"]

    def processes(self):
        """All that belong to it: they carry its mark."""
        mark = json.loads((self.home / "up.json").read_text())["mark"]
        return [psutil.Process(self.process.pid), *marked(mark)]

    def postmaster(self):
        """The process number of its PostgreSQL; None while there is none."""
        try:
            lines = (self.home / "postgres" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return None
        return int(lines[0]) if lines and lines[-1].strip() == "ready" else None  # it may be read while it is written

    def stop(self):
        """Ctrl-C; returns the exit status and the processes that outlived it."""
        children = self.processes() if (self.home / "up.json").exists() else []
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(2 * LIMIT_S)
        return status, still_running(children)


def still_running(processes):
    return [process for process in processes if _runs(process)]


def _runs(process):
    with suppress(psutil.NoSuchProcess):  # it may end between the two questions
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def named(processes, word):
    """Those that have the word in their command line; one that ends meanwhile has none."""
    return [process for process in processes if word in _command_line(process)]


def _command_line(process):
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []
