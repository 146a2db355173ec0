"""How runs queue: which pool a step waits for, which runs go first, and which may never fill the queue.

The limits themselves are in `dagster.yaml`. Pools are on the assets, so that jobs, backfills and *Materialize* obey them
alike; tags are on runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.naming import named, tag_value

GUANKE, GATEWAY, INFINITY, WECOM, METABASE = map(named, ("guanke", "gateway", "infinity", "wecom", "metabase"))
"""The pools: one for each outside system of the centre."""

LOCK = "calling/lock"
"""Runs with the same value run one after the other."""
TASK = "calling/task"
"""The calling task a run is for; one run at a time for each."""
BACKFILLS = "calling/backfills"
"""On runs of backfills, the centre; one of them at a time."""
BATCH_CLASS = {"calling/class": tag_value("batch")}
"""Runs that may last for hours: fewer of them at a time than the queue has places."""

FIRST = {"dagster/priority": "10"}
"""Today's numbers."""
SOON = {"dagster/priority": "5"}
"""Corrections of past days, messages."""
LAST = {"dagster/priority": "-5"}
"""What fills holes."""

UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def unfinished_runs(
    instance: dg.DagsterInstance, job_name: str, tags: Mapping[str, str] | None = None
) -> list[dg.RunRecord]:
    """The job's runs that are queued or under way, newest first; with `tags`, only those that have them all."""
    wanted = dg.RunsFilter(job_name=job_name, statuses=list(UNFINISHED), tags=dict(tags or {}))
    return list(instance.get_run_records(wanted, limit=200))


def busy(instance: dg.DagsterInstance, job_name: str, tags: Mapping[str, str] | None = None) -> str | None:
    """In words for a tick, the newest of `unfinished_runs`; None when there is none."""
    records = unfinished_runs(instance, job_name, tags)
    return said(records[0]) if records else None


def said(record: dg.RunRecord) -> str:
    """A run and its state: `run 1a2b3c4d is STARTED since 09:10:03`."""
    since = record.start_time or record.create_timestamp.timestamp()
    at = dt.datetime.fromtimestamp(since, days.SHANGHAI)
    return f"run {record.dagster_run.run_id[:8]} is {record.dagster_run.status.value} since {at:%H:%M:%S}"
