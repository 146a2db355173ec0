"""Ends the runs whose processes ended with the machine; to be run before Dagster starts.

Dagster's launcher cannot tell, and a run that stays STARTED would keep its schedule skipping without end.
"""

from __future__ import annotations

import dagster as dg

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def reap(instance: dg.DagsterInstance) -> int:
    """Report every run under way as failed; Dagster's run retries then start it again. Returns how many."""
    orphans = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    for run in orphans:
        instance.report_run_failed(run, "its process ended with the machine or was stopped with `make up`")
    return len(orphans)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as own:
        reap(own)
