"""Ends runs whose processes ended with the machine.

Run it before Dagster starts: Dagster's launcher cannot recognise such runs, and a run that stays STARTED permanently would
make its schedule skip every tick.
"""

from __future__ import annotations

import dagster as dg

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def reap(instance: dg.DagsterInstance) -> int:
    """Report every run under way as failed; Dagster's run retries then start it again. Returns how many."""
    orphans = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    for run in orphans:
        instance.report_run_failed(run, "its process died with the machine or was stopped with `make up`")
    return len(orphans)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as own:
        reap(own)
