"""Ends what an `up` left behind that was killed: nobody may be called by a process that nobody supervises."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.processes import described, end, executes_a_run, marked
from calling_pipeline.cli.machine.record import Record
from calling_pipeline.database import embedded

FIRST = ("daemon", "ui")
"""What starts runs: it ends before the runs do."""
ASKED_S = 20.0
"""How long processes may take to end after they were asked: calls in flight are awaited and noted."""
LOADING_S = 60.0
"""How long Dagster may take to load on a busy machine: only `defs/` knows it, and this process need not load it."""


def leftovers(record: Record) -> list[psutil.Process]:
    """The processes of that `up` that run, itself aside: its children, and all that carry its mark."""
    children = [child.process() for child in record.children.values()]
    found = {process.pid: process for process in [*children, *marked(record.mark)] if process is not None}
    own = {process.pid for process in [psutil.Process(), *psutil.Process().parents()]}
    return [process for pid, process in sorted(found.items()) if pid not in own and pid != record.up.pid]


def take_down(home: Path, record: Record, say: Callable[[str], None]) -> Sequence[str]:
    """End all that is left of an `up` that is gone, runs of Dagster as canceled, and then its PostgreSQL.

    Returns what was ended, in words.
    """
    left = leftovers(record)
    names = {child.pid: name for name, child in record.children.items()}
    ended = [
        f"{names[process.pid]}: {described(process)}" if process.pid in names else described(process) for process in left
    ]
    if left:
        say(f"ending {len(left)} processes that an `up` left behind")
        environment = _environment_of(left)
        end([process for process in left if names.get(process.pid) in FIRST], within_s=ASKED_S)
        if any(map(executes_a_run, left)):
            end_runs([], environment, within_s=ASKED_S)
        end(leftovers(record), within_s=ASKED_S)
    ended.extend(stop_database(home, say))
    records.remove(home, record.mark)
    return ended


def stop_database(home: Path, say: Callable[[str], None]) -> Sequence[str]:
    """Stop the embedded PostgreSQL unless it has users; returns it, in words, when it was stopped."""
    folder = home / "postgres"
    if not embedded.is_running(folder):
        return []
    users = embedded.stop_unused(folder)
    if users:
        others = ", ".join(described(psutil.Process(pid)) for pid in users if psutil.pid_exists(pid))
        say(f"the embedded PostgreSQL stays: it is used by {others}")
        return []
    return [f"the embedded PostgreSQL in {folder}"]


def end_runs(run_ids: Sequence[str], environment: Mapping[str, str], *, within_s: float) -> None:
    """Ask runs of Dagster on this machine (all without a name) to end, and wait; they become canceled, not failed."""
    with suppress(subprocess.TimeoutExpired, OSError):
        subprocess.run(
            ending_runs(run_ids, within_s=within_s),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=within_s + LOADING_S,
            check=False,
        )


def ending_runs(run_ids: Sequence[str], *, within_s: float) -> list[str]:
    """The command that does it."""
    return [sys.executable, "-m", "calling_pipeline.defs.instance.ending", str(within_s), *run_ids]


def _environment_of(processes: Sequence[psutil.Process]) -> dict[str, str]:
    """Where the leftovers' databases are, as they know it themselves."""
    for process in processes:
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            if "CALLING_DAGSTER_DATABASE_URL" in environment:
                return environment
    return {}
