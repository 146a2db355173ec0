"""What the benchmarks of growth share: acts in processes of their own, their memory, and one line for ten times the rows."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

FULL = os.environ.get("SCALE") == "1"
"""The sizes that figures are of; without it benchmarks are only tried with few rows."""
MOST_TIME = 1.15
"""How many times the time of a row may grow with ten times the rows."""
MOST_MEMORY = 1.1
SMALL_RUNS = 3
MB = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """One act: its seconds, its rows, and the most memory its process held, in MB."""

    seconds: float
    rows: int
    peak_mb: float

    @property
    def row_us(self) -> float:
        """Microseconds of one row."""
        return self.seconds / max(self.rows, 1) * 1e6


def in_own_process(module: str, *args: object) -> Run:
    """Run `python -m module args`, whose last line of output names seconds, records and peak_mb. Raises `RuntimeError`."""
    command = [sys.executable, "-m", module, *map(str, args)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Run(found["seconds"], found["records"], found["peak_mb"])


def peak_mb() -> float:
    """The most memory that this process held, in MB, since its program began.

    `ru_maxrss` of a process begins with the memory of the one that started it.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024


def print_run(seconds: float, records: int) -> None:
    """What a process of `in_own_process` says in the end."""
    print(json.dumps({"seconds": seconds, "records": records, "peak_mb": round(peak_mb(), 1)}))


@dataclass
class ServerMemory:
    """The most memory of their own, in MB, that the sessions of a server held together."""

    peak_mb: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self, postmaster: psutil.Process) -> None:
        """Look every tenth of a second until it is stopped; shared buffers do not count."""
        while not self._stop.wait(0.1):
            self.peak_mb = max(self.peak_mb, sum(_own_bytes(one.pid) for one in postmaster.children()) / MB)

    def stop(self) -> None:
        """End the watch."""
        self._stop.set()


@contextmanager
def server_memory(engine: sa.Engine) -> Iterator[ServerMemory]:
    """Watches the sessions of the engine's server, which runs on this machine."""
    with engine.connect() as connection:
        session = psutil.Process(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
        postmaster = session.parent()
    assert postmaster is not None
    memory = ServerMemory()
    watcher = threading.Thread(target=memory.watch, args=(postmaster,), daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        memory.stop()
        watcher.join()


def _own_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon")), 0)
    except OSError:  # it ended
        return 0


def growth(name: str, small: list[Run], large: list[Run], **more: object) -> dict[str, Any]:
    """The line of an act with few and with ten times the rows: time of a row and memory, to each other."""
    few, many = (statistics.median(run.row_us for run in runs) for runs in (small, large))
    few_mb, many_mb = (statistics.median(run.peak_mb for run in runs) for runs in (small, large))
    time_ratio, memory_ratio = many / few, many_mb / few_mb
    return {
        "benchmark": name,
        "rows": large[0].rows,
        "seconds": round(statistics.median(run.seconds for run in large), 2),
        "us_per_row": round(many, 2),
        "peak_mb": round(many_mb, 1),
        "baseline": f"{small[0].rows} rows",
        "baseline_us_per_row": round(few, 2),
        "baseline_mb": round(few_mb, 1),
        "ratio": round(time_ratio, 3),
        "memory_ratio": round(memory_ratio, 3),
        **more,
        "target": f"time of a row <= {MOST_TIME}, memory <= {MOST_MEMORY}",
        "met": time_ratio <= MOST_TIME and memory_ratio <= MOST_MEMORY,
        "full": FULL,
    }
