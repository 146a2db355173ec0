"""A process that executes one real run, whose only step waits until the file named by WAIT_FOR exists.

With HOST set it says to be a process of that host.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg

from calling_pipeline.defs.instance import workers
from calling_pipeline.runtime import Runtime


@dg.op
def wait_for_a_file() -> None:
    """Wait."""
    while not Path(os.environ["WAIT_FOR"]).exists():
        time.sleep(0.05)


def waiting() -> dg.JobDefinition:
    """The job, executed in this process as runs of the code location are."""
    runtime = Runtime.load()

    @dg.job(executor_def=workers.in_process_executor(runtime))
    def waiting_run() -> None:
        wait_for_a_file()

    return waiting_run


if __name__ == "__main__":
    if "HOST" in os.environ:
        workers.this_host = lambda: os.environ["HOST"]  # type: ignore[assignment]
    with dg.DagsterInstance.get() as own:
        dg.execute_job(dg.reconstructable(waiting), instance=own)
