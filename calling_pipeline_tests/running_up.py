"""A running `calling-pipeline up`, as a test starts it, asks it, and ends it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from calling_pipeline.cli.machine.processes import marked
from calling_pipeline_tests.support import LIMIT_S, http, start_process, wait_until

ROOT = Path(__file__).parents[1]


def free_ports():
    with socket.socket() as one, socket.socket() as two, socket.socket() as three, socket.socket() as four:
        for opened in (one, two, three, four):
            opened.bind(("127.0.0.1", 0))
        names = ("UI", "API", "SIMULATOR", "CODE_SERVER")
        return dict(zip(names, (opened.getsockname()[1] for opened in (one, two, three, four)), strict=True))


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
        return (self.folder / "up.err").read_text()

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
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
