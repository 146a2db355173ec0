"""Which process is which: a pid alone names none, for the system gives it again to another."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "CALLING_UP_MARK"
"""In the environment of everything that `up` starts, and so of all that these start: which `up` it belongs to."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Identity:
    """A process as it was when it was noted: its number, its start, and its command line."""

    pid: int
    started: str
    command: str

    def process(self) -> psutil.Process | None:
        """The process, while it runs; None once it has ended, also when its number is used again."""
        return psutil.Process(self.pid) if identify(self.pid) == self else None


def identify(pid: int) -> Identity | None:
    """The process with this number now; None when there is none, or it has ended and waits for its parent."""
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return Identity(pid, _started(process), " ".join(process.cmdline()))
    return None


def marked(mark: str) -> list[psutil.Process]:
    """Every process of this machine that carries the mark, but neither this one nor a server of PostgreSQL.

    PostgreSQL may have been started by a process with the mark; it is stopped by its own means, after its users.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark and process.name() != "postgres":
                found.append(process)
    return found


def carries(pid: int, mark: str) -> bool:
    """Whether the process with this number runs and carries the mark."""
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    return False


def described(process: psutil.Process) -> str:
    """A process in words: `process 4711 (python -m calling_pipeline.cli.main api)`."""
    with suppress(psutil.Error, OSError):
        command = " ".join([Path(word).name if place == 0 else word for place, word in enumerate(process.cmdline())])
        return f"process {process.pid} ({command[:120] or process.name()})"
    return f"process {process.pid}"


def executes_a_run(process: psutil.Process) -> bool:
    """Whether it may be the process of a run of Dagster: its code server starts nothing else in this way."""
    with suppress(psutil.Error, OSError):
        return any("spawn_main" in word for word in process.cmdline())
    return False


def serves(process: psutil.Process, role: str, home: Path) -> bool:
    """Whether it is this role (`api`, `code_server`, …) of the installation in `home`, as far as this account may know."""
    with suppress(psutil.Error, OSError):
        if Path(process.environ().get("CALLING_HOME", "")).resolve() == home.resolve():
            words = process.cmdline()
            return ("calling_pipeline.definitions" if role == "code_server" else role) in words
    return False


def listening_on(port: int) -> psutil.Process | None:
    """The process that listens on a TCP port here; None when there is none or the system does not say."""
    with suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
                return psutil.Process(one.pid)
    return None


def end(processes: Iterable[psutil.Process], *, within_s: float) -> list[psutil.Process]:
    """Ask processes to end (SIGTERM) and kill those that do not within the time (s). Returns those that were killed."""
    asked = list(processes)
    for process in asked:
        with suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(asked, timeout=within_s)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=within_s)
    return left


def _started(process: psutil.Process) -> str:
    """When it was started, in a form that no change of the clock moves where the system has one."""
    try:
        ticks = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
        return f"{_BOOT.read_text().strip()[:8]}:{ticks}"
    except (OSError, IndexError):
        return f"{process.create_time():.2f}"
