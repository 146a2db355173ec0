"""Fills the caches for ten days ago to today before the daemon is there to do so: both tracks, as runs the UI shows."""

from __future__ import annotations

import datetime as dt
import sys

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.windows import range_tags

JOBS = ("task_stats_sync", "grade_stats_sync")


def first_sync(instance: dg.DagsterInstance, defs: dg.Definitions, first_partition: dt.date) -> bool:
    """Run both tracks over T-10 … today, independent of each other; True when both succeeded."""
    today = days.today()
    first = max(today - dt.timedelta(days=10), first_partition)
    tags = {**range_tags(first, today, "long_historical"), "calling/first_sync": "true"}
    results = [
        defs.resolve_job_def(name).execute_in_process(instance=instance, tags=tags, raise_on_error=False) for name in JOBS
    ]
    return all(result.success for result in results)


if __name__ == "__main__":
    from calling_pipeline.definitions import defs as own_defs
    from calling_pipeline.settings import load

    with dg.DagsterInstance.get() as own_instance:
        sys.exit(0 if first_sync(own_instance, own_defs, load().partition_start) else 1)
