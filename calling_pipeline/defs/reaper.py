"""Ends at once the runs whose processes are certainly gone. Safe at any time, on any host: see `instance/workers.py`.

Dagster's own run monitoring does the same by the launcher of `dagster.yaml`, every 30 seconds; this is for who does not
want to wait. Runs that are queued or starting are left to Dagster's time limits, and runs of a launcher that can judge
its own workers (Celery, Docker, Kubernetes) to that launcher.
"""

from __future__ import annotations

import dagster as dg

from calling_pipeline.defs.instance.judging import ENDED, JudgedByLock
from calling_pipeline.defs.instance.workers import verdict_of
from calling_pipeline.defs.naming import is_ours


def reap(instance: dg.DagsterInstance) -> int:
    """Report every started run of this centre whose process is gone as failed; Dagster's run retries then start it again.

    Returns how many. Raises what `verdict_of` raises.
    """
    launcher = instance.run_launcher
    if launcher.supports_check_run_worker_health and not isinstance(launcher, JudgedByLock):
        return 0
    found = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    started = [run for run in found if is_ours(run)]
    gone = [run for run in started if verdict_of(instance, run) == "gone"]
    ended = 0
    for run in gone:
        again = instance.get_run_by_id(run.run_id)  # a run that has just ended by itself is no orphan
        if again is not None and again.status == dg.DagsterRunStatus.STARTED:
            instance.report_run_failed(again, ENDED)
            ended += 1
    return ended


if __name__ == "__main__":
    with dg.DagsterInstance.get() as own:
        print(f"{reap(own)} runs ended whose processes were gone")  # noqa: T201 - a command's answer
