"""Ends runs of this host in order: `python -m calling_pipeline.defs.instance.ending SECONDS [RUN_ID …]`, all without a name.

A run whose process is merely interrupted counts as failed, and is alerted. Here it is said first that it is to be canceled;
then its process gets SIGTERM, once: it begins nothing new, awaits what is in flight, and notes the outcomes. For that it has
the given time.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import dagster as dg

from calling_pipeline.defs.instance.workers import Worker, runs_here, this_host, worker_of
from calling_pipeline.defs.naming import is_ours

REASON = "the machine that runs it is being stopped"
_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def end_runs(instance: dg.DagsterInstance, run_ids: Sequence[str] = (), *, within_s: float) -> int:
    """Ask runs of this centre whose process is on this host to end, and wait; cancel those that have no process yet.

    Returns how many.
    """
    filters = dg.RunsFilter(statuses=_UNDER_WAY, run_ids=list(run_ids) or None)
    asked: list[Worker | None] = []
    for run in filter(is_ours, instance.get_runs(filters)):
        worker = worker_of(run)
        if worker is not None and worker.host != this_host():
            continue
        instance.report_run_canceling(run, REASON)
        if worker is None:
            instance.report_run_canceled(run, REASON)
        else:
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        asked.append(worker)
    deadline = time.monotonic() + within_s
    while any(worker is not None and runs_here(worker) for worker in asked) and time.monotonic() < deadline:
        time.sleep(0.1)
    return len(asked)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as own:
        print(f"{end_runs(own, sys.argv[2:], within_s=float(sys.argv[1]))} runs were asked to end")  # noqa: T201 - a command's answer
