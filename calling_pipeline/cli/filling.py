"""How `calling-pipeline up` watches the first sync: Dagster's sensor `cache_warm_up` does it, this shows how far it is."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

import httpx
from rich.progress import Progress

from calling_pipeline import days
from calling_pipeline.call_stats.facts.store import cached_days
from calling_pipeline.call_stats.records import TRACKS
from calling_pipeline.call_stats.timetable import sync_window
from calling_pipeline.cli.supervisor import Supervisor
from calling_pipeline.runtime import Runtime

POLL_S = 1.0
_RUNS = """query($since: Float!) { runsOrError(limit: 50, filter: {
    tags: [{key: "calling/warm_up", value: "true"}], createdAfter: $since
}) { ... on Runs { results { runId status } } } }"""
_FAILED, _FINISHED = {"FAILURE", "CANCELED"}, {"FAILURE", "CANCELED", "SUCCESS"}


def wait_for_caches(runtime: Runtime, supervisor: Supervisor, ui_url: str, progress: Progress) -> str:
    """Wait until both caches hold ten days ago to today and the runs that filled them are done; says how it went.

    A run that failed ends the waiting too. Raises `ChildFailed` when one of the processes ends meanwhile.
    """
    started, wanted = time.time(), wanted_days(runtime)
    total = len(wanted) * len(TRACKS)
    with progress:
        task = progress.add_task("first sync", total=total)
        while True:
            done = _cached(runtime, wanted)
            progress.update(task, completed=done)
            runs = _runs(ui_url, started)
            if runs is not None and not set(runs.values()) - _FINISHED:
                if done >= total:
                    return f"caches filled: {wanted[0]} … {wanted[-1]}"
                failed = [run_id for run_id, status in runs.items() if status in _FAILED]
                if failed:
                    return (
                        f"the first sync is not complete, {done} of {total} days: {ui_url}/runs/{failed[0]} says why;"
                        " the sensor cache_warm_up tries again within the hour"
                    )
            supervisor.require_all_running()
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


def _runs(ui_url: str, since: float) -> dict[str, str] | None:
    """The status of every run since then that is to fill the caches; None when the UI did not answer."""
    question = {"query": _RUNS, "variables": {"since": since}}
    try:
        answer = httpx.post(f"{ui_url}/graphql", json=question, timeout=10, trust_env=False).json()
        return {run["runId"]: run["status"] for run in answer["data"]["runsOrError"]["results"]}
    except (httpx.TransportError, ValueError, KeyError, TypeError):
        return None
