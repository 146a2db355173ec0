"""Workers of Celery on this machine, as its processes and Dagster's database show them: they listen on no port."""

from __future__ import annotations

from contextlib import suppress

import psutil

from calling_pipeline.analysis.dagster_storage.store import workers_that_take_runs
from calling_pipeline.cli.health.records import PROGRAM_OF_WORKERS, Question
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.runtime import Runtime


def worker(question: Question) -> tuple[bool, str]:
    """Whether a worker lives here. Ready are workers that take runs: their broker and Dagster's database answer them."""
    runtime = Runtime.load()
    pids = sorted(_workers(str(runtime.settings.home)))
    if not pids:
        return False, "no worker runs on this machine"
    if question == "live":
        return True, f"a worker runs here ({_named(pids)})"
    try:
        taking = workers_that_take_runs(runtime.existing_dagster_url, pids)
    except DatabaseUnavailable as error:
        return False, f"nothing is known of the worker: {error}"
    idle = [pid for pid in pids if pid not in taking]
    if idle:
        why = "its broker does not answer, it has not begun yet, or it is ending"
        return False, f"the worker is there ({_named(idle)}), but takes no runs: {why}"
    return True, f"the worker takes runs ({_named(pids)})"


def _workers(home: str) -> set[int]:
    """The processes that are workers of the installation with this home, but not those in which they execute runs."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_worker = PROGRAM_OF_WORKERS in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
            if is_worker and process.environ().get("CALLING_HOME") == home:
                found[process.pid] = process.ppid()
    return {pid for pid, parent in found.items() if parent not in found}


def _named(pids: list[int]) -> str:
    return f"process {', '.join(map(str, pids))}"
