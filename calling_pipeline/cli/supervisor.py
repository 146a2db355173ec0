"""Child processes of `calling-pipeline up`: started apart from the terminal, watched, started again, stopped in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from calling_pipeline.at_most_once.backoff import Backoff
from calling_pipeline.cli.machine import logs
from calling_pipeline.cli.machine.processes import Identity, identify
from calling_pipeline.errors import CallingError, ConfigurationError

POLL_S = 0.05
PAUSES = Backoff(first_s=1.0, longest_s=60.0)
"""How long a child that ended is left alone before it is started again."""
ENDS_AT_MOST = 5
WITHIN_S = 600.0
"""A child that ends so often within this time is not started again."""


class ChildFailed(CallingError):
    """A child process ended by itself."""


@dataclass
class Child:
    """One process that is to run until the end. `needed`: without it the others are of no use."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes]
    needed: bool
    ended_at: list[float] = field(default_factory=list)
    """When it ended by itself lately (monotonic s)."""
    due_at: float | None = None
    """When it is to be started again; None while it runs, and when it was given up."""
    given_up: bool = False


@dataclass(frozen=True)
class Change:
    """What became of a child: it ended (`words` close its log) and is started again in `again_in_s`, None: given up.

    `started`: it was started again.
    """

    name: str
    status: int = 0
    words: str = ""
    log: Path | None = None
    again_in_s: float | None = None
    started: bool = False


class Supervisor:
    """Starts children in sessions of their own, so that Ctrl-C reaches only the supervisor, which then stops them.

    `noted` is called with the children that run whenever that changes.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        noted: Callable[[Mapping[str, Identity]], None] = lambda children: None,
    ) -> None:
        self.environment = environment
        """That of what is started from now on."""
        self._logs = folder
        self._noted = noted
        self._children: dict[str, Child] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], *, needed: bool = True) -> Child:
        """Start a child that is to run until the end."""
        log = self._logs / f"{name}.log"
        child = Child(name, command, log, self._spawn(name, command, log), needed)
        self._children[name] = child
        self._note()
        return child

    def running(self, name: str) -> bool:
        """Whether the child runs now."""
        child = self._children.get(name)
        return child is not None and child.process.poll() is None

    def require_all_running(self) -> None:
        """Raise `ChildFailed` with its last words when a child has ended: for the start, where nothing is tried again."""
        for child in self._children.values():
            status = child.process.poll()
            if status is not None and not child.given_up:
                raise ChildFailed(
                    f"{child.name} ended with status {status}; its log {child.log} closes with: {logs.last_lines(child.log)}"
                )

    def watch(self) -> list[Change]:
        """Start again what has ended, after a growing pause; returns what changed.

        Raises `ChildFailed` when a child that the others need ended `ENDS_AT_MOST` times within `WITHIN_S`; another is
        left alone then, and the rest goes on.
        """
        changes = []
        for child in self._children.values():
            logs.rotate(child.log)
            if child.given_up:
                continue
            if child.due_at is not None:
                if time.monotonic() >= child.due_at:
                    child.due_at = None
                    child.process = self._spawn(child.name, child.command, child.log)
                    changes.append(Change(child.name, started=True))
            elif (status := child.process.poll()) is not None:
                changes.append(self._after_its_end(child, status))
        if changes:
            self._note()
        return changes

    def _after_its_end(self, child: Child, status: int) -> Change:
        now, words = time.monotonic(), logs.last_lines(child.log)
        child.ended_at = [at for at in child.ended_at if at > now - WITHIN_S] + [now]
        if len(child.ended_at) < ENDS_AT_MOST:
            pause = PAUSES.wait_s(len(child.ended_at))
            child.due_at = now + pause
            return Change(child.name, status, words, child.log, pause)
        child.given_up = True
        if child.needed:
            raise ChildFailed(
                f"{child.name} ended {ENDS_AT_MOST} times within {WITHIN_S / 60:.0f} minutes, the last time with status"
                f" {status}, and nothing works without it; its log {child.log} closes with: {words}"
            )
        return Change(child.name, status, words, child.log)

    def wait_until(self, ready: Callable[[], bool], what: str, *, within_s: float) -> None:
        """Wait for `ready`; `ChildFailed` when a child ends meanwhile, `ConfigurationError` when it takes too long."""
        deadline = time.monotonic() + within_s
        while not ready():
            self.require_all_running()
            if time.monotonic() > deadline:
                raise ConfigurationError(f"{what} was not ready within {within_s:.0f} s; the logs are in {self._logs}")
            time.sleep(POLL_S)

    def stop(self, *names: str, grace_s: float = 25.0, hurried: Callable[[], bool] = lambda: False) -> None:
        """End these children, or all without a name: the last started first; those that do not end in time are killed.

        What a child started ends with it.
        """
        wanted = [child for name, child in reversed(self._children.items()) if not names or name in names]
        for child in wanted:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for child in wanted:
            while child.process.poll() is None and time.monotonic() < deadline and not hurried():
                time.sleep(POLL_S)
            _kill_session(child.process.pid)
            child.process.wait()
            del self._children[child.name]
        self._note()

    def _spawn(self, name: str, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        with logs.opened(log, f"start of {name}") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )

    def _note(self) -> None:
        known = {name: identify(child.process.pid) for name, child in self._children.items()}
        self._noted({name: identity for name, identity in known.items() if identity is not None})


class Interrupts:
    """How often the person asked to stop."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Within the block SIGTERM and SIGHUP interrupt as Ctrl-C does, so that every way to stop cleans up.

    Only the first raises `KeyboardInterrupt`; the next are counted, for whoever is stopping and may hurry. Children get the
    default handlers back when they are executed: an inherited "ignore" would make Dagster ignore both.
    """
    interrupts = Interrupts()

    def interrupt(signum: int, frame: object) -> None:
        interrupts.count += 1
        if interrupts.count == 1:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield interrupts
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
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
