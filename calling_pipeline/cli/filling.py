"""How `calling-pipeline up` watches the first sync: Dagster's sensor `cache_warm_up` does it, this shows how far it is."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence

from rich.progress import Progress

from calling_pipeline import days
from calling_pipeline.analysis.dagster_storage.store import tagged_runs
from calling_pipeline.call_stats.facts.store import cached_days
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.timetable import sync_window
from calling_pipeline.database.engine import make_engine
from calling_pipeline.runtime import Runtime

POLL_S = 0.25
_WARM_UP = ("calling/warm_up", "true")
"""The tag of the runs that fill the caches."""
_FAILED, _FINISHED = {"FAILURE", "CANCELED"}, {"FAILURE", "CANCELED", "SUCCESS"}


def wait_for_caches(runtime: Runtime, look: Callable[[], None], ui_url: str, progress: Progress, *, since: float) -> str:
    """Wait until both caches hold ten days ago to today and the runs that filled them are done; says how it went.

    A run that failed ends the waiting too. `look` is called again and again meanwhile, and may raise. `since`: when Dagster
    was started (seconds of the epoch).
    """
    wanted = wanted_days(runtime)
    total = len(wanted) * len(TRACKS)
    dagster = make_engine(runtime.existing_dagster_url, pool_size=1, max_overflow=0)
    with progress:
        task = progress.add_task("first sync", total=total)
        while True:
            done = _cached(runtime, wanted)
            progress.update(task, completed=done)
            runs = tagged_runs(dagster, *_WARM_UP, since=since)
            if not set(runs.values()) - _FINISHED:
                if done >= total:
                    return f"caches filled: {wanted[0]} … {wanted[-1]}"
                failed = [run_id for run_id, status in runs.items() if status in _FAILED]
                if failed:
                    return (
                        f"the first sync is not complete, {done} of {total} days: {ui_url}/runs/{failed[0]} says why;"
                        " the sensor cache_warm_up tries again within the hour"
                    )
            look()
            time.sleep(POLL_S)


def wanted_days(runtime: Runtime) -> list[dt.date]:
    """Ten days ago to today, as far as there are partitions."""
    today = days.today()
    first, _ = sync_window("long_historical", today)
    return days.day_range(min(today, max(first, runtime.settings.partition_start)), today)


def _cached(runtime: Runtime, wanted: Sequence[dt.date]) -> int:
    """How many of the days are cached, both tracks together."""
    with runtime.transaction() as connection:
        return sum(len(cached_days(connection, track, wanted[0], wanted[-1])) for track in TRACKS)
