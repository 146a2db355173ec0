"""Child processes of `calling-pipeline up`: started apart from the terminal, watched, stopped in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from calling_pipeline.errors import CallingError, ConfigurationError

POLL_S = 0.2


class ChildFailed(CallingError):
    """A child process ended by itself."""


@dataclass
class Child:
    """One running process and the file its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Supervisor:
    """Starts children in sessions of their own, so that Ctrl-C reaches only the supervisor, which then stops them."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = environment
        self._logs = logs
        self._children: list[Child] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str]) -> Child:
        """Start a child that is to run until the end."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def run(self, name: str, command: Sequence[str]) -> int:
        """Run a child to its end and return its exit status; the others are watched meanwhile."""
        child = self.start(name, command)
        self._children.remove(child)
        while child.process.poll() is None:
            self.require_all_running()
            time.sleep(POLL_S)
        return child.process.returncode

    def require_all_running(self) -> None:
        """Raise `ChildFailed` with its last words when a child has ended."""
        for child in self._children:
            status = child.process.poll()
            if status is not None:
                raise ChildFailed(
                    f"{child.name} ended with status {status}; its log {child.log} closes with: {child.last_words()}"
                )

    def wait_until(self, ready: Callable[[], bool], what: str, *, within_s: float) -> None:
        """Wait for `ready`; `ChildFailed` when a child ends meanwhile, `ConfigurationError` when it takes too long."""
        deadline = time.monotonic() + within_s
        while not ready():
            self.require_all_running()
            if time.monotonic() > deadline:
                raise ConfigurationError(f"{what} was not ready within {within_s:.0f} s; the logs are in {self._logs}")
            time.sleep(POLL_S)

    def stop_all(self, *, grace_s: float = 25.0) -> None:
        """End the children, the last started first; one that does not end in time is killed with all it started."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for child in reversed(self._children):
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
            _kill_session(child.process.pid)
            child.process.wait()
        self._children.clear()


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP interrupt as Ctrl-C does, so that every way to stop cleans up.

    Children get the default handlers back when they are executed: an inherited "ignore" would make Dagster ignore both.
    """

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def answers(url: str) -> bool:
    """Whether something answers at `url` with a status below 500."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False


def accepts(host: str, port: int) -> bool:
    """Whether something takes connections at `port`."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def _kill_session(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
